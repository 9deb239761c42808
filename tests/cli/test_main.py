"""The root of the command: help, errors and exit codes."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from sampler import errors
from sampler.cli.exit_codes import ExitCode
from sampler.cli.main import exit_code_of, main


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, *path, name)
    return found


ALL = commands(main)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_in_80_columns(path: tuple[str, ...]) -> None:
    """--help works for each, and no line is wider than a terminal."""
    said = CliRunner().invoke(main, [*path, "--help"], terminal_width=80)
    assert said.exit_code == 0, said.output
    assert "Usage: " in said.output
    assert [line for line in said.output.splitlines() if len(line) > 80] == []


def test_the_commands_of_the_main_job_are_there() -> None:
    """What an operator, a scanner and an analyst type."""
    asked = [
        *(
            "demo",
            "flag",
            "submit",
            "scan",
            "show",
            "history list",
            "history export",
            "history verify",
            "history repair",
            "explain",
            "agent run",
            "agent enroll",
            "queue init",
            "queue serve",
        ),
        *("queue tokens create", "queue tasks list", "queue tasks lease", "queue tasks download"),
        *("queue tasks complete", "queue tasks fail", "worker run", "consent accept", "consent withdraw"),
    ]
    assert {tuple(name.split()) for name in asked} <= set(ALL)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AgentUnreachable("x"), ExitCode.UNREACHABLE),
        (errors.QueueUnreachable("x"), ExitCode.UNREACHABLE),
        (errors.QueueRefused("x", 403), ExitCode.REFUSED),
        (errors.ConsentError("x"), ExitCode.REFUSED),
        (errors.RequestError("x"), ExitCode.ERROR),
        (errors.SpoolFull("x"), ExitCode.ERROR),
    ],
)
def test_errors_have_their_exit_codes(error: errors.SamplerError, code: ExitCode) -> None:
    """A script can tell them apart."""
    assert exit_code_of(error) == code


def test_an_unknown_command_is_an_error() -> None:
    """As with any command line: exit code 2 and a line that names it."""
    said = CliRunner().invoke(main, ["nonsense"])
    assert said.exit_code == 2
    assert "nonsense" in said.output
