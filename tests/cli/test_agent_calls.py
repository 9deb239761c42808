"""``sampler agent calls``: what the command about verdicts is owed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sampler.cli.main import main
from sampler.model import VerdictCall
from sampler.storage.sqlite_calls import SqliteCalls

OWED = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
LOST = "1b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    config = tmp_path / "agent.toml"
    config.write_text(f'state = "{tmp_path / "state"}"\n')

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["agent", "calls", "--config", str(config), *arguments])

    return invoke


@pytest.fixture
def noted(tmp_path: Path, now: datetime) -> None:
    """One call that is owed, and one that was given up with words that would steer a terminal."""
    (tmp_path / "state" / "verdicts").mkdir(parents=True)
    ledger = SqliteCalls(tmp_path / "state" / "verdicts" / "calls.sqlite")
    for event_id in (OWED, LOST):
        ledger.note(VerdictCall(event_id, b"{}", now), now)
    ledger.failed(replace(VerdictCall(LOST, b"{}", now), detail="no route\x1b[2J"), None)
    ledger.close()


def test_where_nothing_was_owed(run: Callable[..., Result]) -> None:
    """It says so, and makes no file."""
    ended = run()
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "no call was ever owed" in ended.stderr


@pytest.mark.usefixtures("noted")
def test_what_is_owed_and_what_was_given_up(run: Callable[..., Result]) -> None:
    """By object, with how often and how it failed."""
    shown = run().output
    assert "\x1b" not in shown
    assert [word in shown for word in (OWED, LOST, "given up", "no route")] == [True] * 4
    lines = [json.loads(line) for line in run("--json").output.splitlines()]
    assert [(line["id"], line["state"], line["attempts"]) for line in lines] == [
        (OWED, "owed", 0),
        (LOST, "given up", 1),
    ]


@pytest.mark.usefixtures("noted")
def test_what_was_given_up_is_owed_again(run: Callable[..., Result]) -> None:
    """When somebody has put right what was wrong."""
    assert "1 call owed again" in run("--retry").output
    lines = [json.loads(line) for line in run("--json").output.splitlines()]
    assert {(line["id"], line["state"]) for line in lines} == {(OWED, "owed"), (LOST, "owed")}
