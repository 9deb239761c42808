"""The command's root: where errors become messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys

import click

import sampler
from sampler import errors
from sampler.cli.exit_codes import ExitCode
from sampler.cli.output import warn

_COMMANDS = {
    "agent": "sampler.cli.agent:agent",
    "capture": "sampler.cli.capture:capture",
    "consent": "sampler.cli.consent:consent",
    "demo": "sampler.cli.demo:demo",
    "explain": "sampler.cli.explain:explain",
    "flag": "sampler.cli.flag:flag",
    "history": "sampler.cli.history:history",
    "list": "sampler.cli.show:list_objects",
    "lookup": "sampler.cli.lookup:lookup",
    "pending": "sampler.cli.pending:pending",
    "preview": "sampler.cli.preview:preview",
    "queue": "sampler.cli.queue:queue",
    "receipts": "sampler.cli.receipts:receipts",
    "recall": "sampler.cli.recall:recall",
    "reconcile": "sampler.cli.reconcile:reconcile",
    "scan": "sampler.cli.scan:scan",
    "show": "sampler.cli.show:show",
    "spool": "sampler.cli.spool:spool",
    "statistics": "sampler.cli.statistics:statistics",
    "statement": "sampler.cli.statement:statement",
    "submit": "sampler.cli.submit:submit",
    "worker": "sampler.cli.worker:worker",
}
"""Imported when they are asked for, so that ``sampler flag`` starts without the queue's libraries."""

_EXIT_CODES: tuple[tuple[type[errors.SamplerError], ExitCode], ...] = (
    (errors.AgentUnreachable, ExitCode.UNREACHABLE),
    (errors.QueueUnreachable, ExitCode.UNREACHABLE),
    (errors.QueueBusy, ExitCode.UNREACHABLE),
    (errors.QueueRefused, ExitCode.REFUSED),
    (errors.ConsentError, ExitCode.REFUSED),
)


class Root(click.Group):
    """A group that loads its commands late and says what went wrong in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that was asked for."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run; an error of ours is one line on standard error and its exit code."""
        try:
            return super().invoke(ctx)
        except errors.SamplerError as error:
            warn(str(error))
            ctx.exit(exit_code_of(error))
        except KeyboardInterrupt:
            ctx.exit(ExitCode.INTERRUPTED)  # click would make 1 of it, which says that something was found
        except BrokenPipeError:
            # Whoever read us has seen enough, as with ``sampler list | head``; keep the interpreter from complaining.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(ExitCode.OK)


def exit_code_of(error: errors.SamplerError) -> ExitCode:
    """The exit code that an error ends a command with."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.ERROR)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(sampler.__version__, prog_name="sampler")
def main() -> None:
    """Take what an on-host scanner finds suspicious to an analysis queue.

    Exit codes: 0 nothing found or done, 1 found or a check failed, 2 error,
    3 partly done, 4 agent or queue unreachable, 5 refused, 6 timed out.
    """
