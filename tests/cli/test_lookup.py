"""``sampler lookup``: what it asks, prints and ends with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sampler.cli.main import main
from sampler.model import Conclusion, KnownFrom
from sampler.wire.messages import VerdictMessage
from sampler.wire.verdict_messages import LookUpView, LookUpWish

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class FakeAgent:
    """Knows what a test says."""

    known: dict[str, tuple[Conclusion, KnownFrom]]
    trouble = ""
    asked: list[LookUpWish]

    def __init__(self, *_: Any) -> None:
        pass

    async def __aenter__(self) -> FakeAgent:
        return self

    async def __aexit__(self, *_: Any) -> None:
        pass

    async def look_up(self, wish: LookUpWish) -> LookUpView:
        self.asked.append(wish)
        if wish.sha256 not in self.known:
            return LookUpView(sha256=wish.sha256, trouble=self.trouble)
        conclusion, source = self.known[wish.sha256]
        said = VerdictMessage(conclusion=conclusion, score=7, analyzer="an\x1balyzer", at=NOW, family="Family")
        return LookUpView(sha256=wish.sha256, verdict=said, source=source, expires=NOW)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> type[FakeAgent]:
    FakeAgent.known, FakeAgent.asked, FakeAgent.trouble = {}, [], ""
    monkeypatch.setattr("sampler.cli.lookup.AgentClient", FakeAgent)
    return FakeAgent


@pytest.fixture
def lookup(tmp_path: Path, agent: type[FakeAgent]) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["lookup", "--socket", str(tmp_path / "agent.sock"), *arguments])

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.bin"
    path.write_bytes(b"bytes")
    return path


HASH = hashlib.sha256(b"bytes").hexdigest()


@pytest.mark.parametrize(
    ("conclusion", "code"), [(Conclusion.MALICIOUS, 1), (Conclusion.SUSPICIOUS, 1), (Conclusion.BENIGN, 0)]
)
def test_a_known_file(
    lookup: Callable[..., Result], agent: type[FakeAgent], file: Path, conclusion: Conclusion, code: int
) -> None:
    """By its bytes; what an analyzer wrote steers no terminal; the exit code is a scanner's."""
    agent.known[HASH] = (conclusion, KnownFrom.LOOK_UP)
    ended = lookup(str(file))
    assert ended.exit_code == code
    assert f"{conclusion} (7) Family" in ended.output
    assert "look-up" in ended.output
    assert "\x1b" not in ended.output


def test_by_hash_and_as_json(lookup: Callable[..., Result], agent: type[FakeAgent]) -> None:
    """Whatever case; each name has its answer."""
    agent.known[HASH] = (Conclusion.BENIGN, KnownFrom.KNOWN_GOOD)
    ended = lookup("--json", "--local", HASH.upper(), "0" * 64)
    assert ended.exit_code == 0
    first, second = map(json.loads, ended.stdout.splitlines())
    assert (first["name"], first["known"]["source"]) == (HASH.upper(), "known-good")
    assert second["known"] == {"sha256": "0" * 64}
    assert [wish.local for wish in agent.asked] == [True, True]


def test_a_queue_that_was_not_asked(lookup: Callable[..., Result], agent: type[FakeAgent]) -> None:
    """Is named once, with why, and is not the same as not knowing."""
    agent.trouble = "P1 no-consent: nobody accepted a statement"
    ended = lookup("0" * 64, "1" * 64)
    assert ended.exit_code == 3
    assert ended.stderr.count("the queue was not asked: P1 no-consent") == 1


def test_files_that_cannot_be_read(lookup: Callable[..., Result], agent: type[FakeAgent], file: Path) -> None:
    """Each is named; the others are asked about."""
    ended = lookup(str(file), str(file.parent / "none"))
    assert (ended.exit_code, "none: No such file" in ended.stderr) == (3, True)
    assert lookup(str(file.parent / "none")).exit_code == 2
