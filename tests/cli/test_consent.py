"""``sampler consent`` on places of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sampler.agent.signed_statements import sign_statement
from sampler.cli.exit_codes import ExitCode
from sampler.cli.main import main
from sampler.identity import SigningKey
from sampler.permit import Region, shipped_statement

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(f'state = "{tmp_path}/state"\n[queue]\nurl = "https://queue.example:8443"\n')
    return file


@pytest.fixture
def consent(config: Path) -> Run:
    """Runs ``sampler consent`` with these settings."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["consent", *arguments, "--config", str(config)])

    return run


def test_before_anything_was_accepted(consent: Run) -> None:
    """The owner reads that nothing leaves, and what is said to the queue all the same."""
    said = consent("show")
    assert said.exit_code == 0
    assert "no consent stands: nothing leaves this machine" in said.output
    assert "to https://queue.example:8443 only this" in said.output
    assert "verdicts" not in said.output


def test_what_stands_and_what_it_lets_happen(consent: Run) -> None:
    """Statement, who, scopes, recipients and everything that goes to the queue are shown."""
    assert consent("accept", "basic", "--by", "ann").exit_code == 0
    said = " ".join(consent("show").output.split())
    assert "basic version 2" in said
    assert "by ann" in said
    assert "memory not in this statement" in said
    assert "to https://queue.example:8443, and to nobody else" in said
    assert "a question for verdicts" in said


def test_the_form_of_the_union_leaves_out_what_has_to_be_named(consent: Run) -> None:
    """Accepting it as such accepts neither documents nor activity nor memory; one of them is added by name."""
    said = consent("accept", "extended", "--region", "eu", "--by", "ann").output
    assert "ann accepted extended-eu version 2: boot, metadata, parts, reputation, statistics, trusted, whole" in said
    assert "not accepted, as it has to be named (--also SCOPE): activity, documents, memory" in said
    said = consent("accept", "extended", "--region", "eu", "--also", "memory", "--by", "ann").output
    assert "boot, memory, metadata" in said
    assert "(--also SCOPE): activity, documents" in said


def test_the_region_of_the_settings_is_taken(consent: Run, config: Path) -> None:
    """Where the settings name a region, its form is meant."""
    config.write_text(config.read_text() + '[consent]\nregion = "eu"\n')
    assert "basic-eu version 2" in consent("accept", "basic", "--by", "ann").output


def test_a_consent_for_some_days(consent: Run) -> None:
    """It shows until when it stands."""
    assert consent("accept", "basic", "--days", "30", "--by", "ann").exit_code == 0
    assert ", until " in consent("show").output


def test_who_did_what(consent: Run) -> None:
    """Each act is listed with its author."""
    consent("accept", "basic", "--by", "ann")
    consent("withdraw", "--by", "ben")
    said = " ".join(consent("show", "--acts").output.split())
    assert "accepted ann basic version 2 metadata, reputation, statistics" in said
    assert "withdrawn ben basic version 2 nothing" in said


def test_the_same_for_programs(consent: Run) -> None:
    """What stands, the acts and what is said to the queue are documents too."""
    before = json.loads(consent("show", "--json").output)
    assert (before["stands"], len(before["said"])) == (False, 1)
    consent("accept", "basic", "--by", "ann")
    shown = json.loads(consent("show", "--json").output)
    assert (shown["statement"], shown["by"], shown["retention_days"]) == ("basic", "ann", 0)
    assert (shown["scopes"]["metadata"], shown["scopes"]["memory"]) == ("accepted", "not in this statement")
    assert len(shown["said"]) > 1
    (act,) = consent("show", "--acts", "--json").output.splitlines()
    assert json.loads(act)["scopes"] == ["metadata", "reputation", "statistics"]


def test_no_line_is_wider_than_a_terminal(consent: Run) -> None:
    """The digest stays in one piece, and everything fits into 80 columns."""
    consent("accept", "extended", "--region", "eu", "--by", "ann")
    said = consent("show").output.splitlines()
    assert shipped_statement("extended", Region.EU).digest in "\n".join(said)
    assert [line for line in said if len(line.rstrip()) > 80] == []


@pytest.mark.parametrize("arguments", [(), ("basic", "--statement", "own.toml")])
def test_one_statement_is_named(consent: Run, arguments: tuple[str, ...]) -> None:
    """Neither none nor two of them."""
    assert consent("accept", *arguments).exit_code == ExitCode.ERROR


def test_a_scope_that_the_statement_lacks(consent: Run) -> None:
    """It is refused by name, and nothing is accepted."""
    said = consent("accept", "basic", "--also", "memory")
    assert said.exit_code == ExitCode.REFUSED
    assert "basic has no scope memory" in said.output


def test_damage_is_told_with_its_repair(consent: Run, config: Path) -> None:
    """A consent that was changed by hand counts as absent, and the command that repairs it works."""
    consent("accept", "basic", "--by", "ann")
    file = config.parent / "state" / "consent" / "consent.json"
    file.write_bytes(file.read_bytes().replace(b"ann", b"eve"))
    said = consent("show")
    assert said.exit_code == ExitCode.REFUSED
    assert "counts as absent and nothing leaves this machine" in said.output
    assert consent("accept", "basic", "--by", "ann").exit_code == 0
    assert consent("show").exit_code == 0


def test_a_signed_statement_of_ones_own(consent: Run, config: Path, tmp_path: Path) -> None:
    """It is accepted once its key stands in the settings, and refused before."""
    basic, file, key = shipped_statement("basic"), tmp_path / "own.toml", SigningKey.create(tmp_path / "key")
    file.write_bytes(basic.data.replace(b'id = "basic"', b'id = "own"'))
    file.with_suffix(".md").write_text(basic.text)
    sign_statement(file, key)
    said = consent("accept", "--statement", str(file), "--by", "ann")
    assert said.exit_code == ExitCode.REFUSED
    assert "consent.statement_keys" in said.output
    config.write_text(config.read_text() + f'[consent]\nstatement_keys = ["{key.public}"]\n')
    assert "ann accepted own version 2" in consent("accept", "--statement", str(file), "--by", "ann").output
