"""Calls about verdicts: owed durably, made at least once, given up by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.on_verdict import VerdictCaller
from sampler.agent.verdict_settings import OnVerdictSection
from sampler.model import Conclusion, KnownFrom, ObjectRecord, ObjectState, Reason, Verdict
from sampler.storage.sqlite_calls import SqliteCalls

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
OTHER = "1b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
BAD = Verdict(Conclusion.MALICIOUS, 95, "an\x00alyzer", NOW, "family", expires=NOW + timedelta(days=30))
RECORD = ObjectRecord(
    EVENT,
    ObjectState.DELIVERED,
    NOW,
    NOW,
    1000,
    Reason.DETECTION,
    path=b"/srv/\xff\x1b.exe",
    sha256="ab" * 32,
    size=7,
    detections=("Example.A",),
    matches=(("Rule", 3),),
)


class Clock:
    """Goes on when somebody sleeps by it, and only then."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.01)
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteCalls]:
    opened = SqliteCalls(tmp_path / "calls.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def make(lines: str) -> str:
        path = tmp_path / "command"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return make


def caller(ledger: SqliteCalls, settings: OnVerdictSection, clock: Clock | None = None) -> VerdictCaller:
    return VerdictCaller(ledger, settings, clock or Clock(), lambda: 0.0)


@asynccontextmanager
async def running(made: VerdictCaller) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + 60
    while not holds():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


async def test_the_command_is_told_once(ledger: SqliteCalls, script: Callable[[str], str], tmp_path: Path) -> None:
    """A verdict that comes twice, as after a crash, is told once."""
    made = caller(ledger, OnVerdictSection([script(f"cat >> {tmp_path}/told; echo >> {tmp_path}/told")]))
    made.owe(RECORD, BAD, KnownFrom.QUEUE)
    async with running(made):
        await until(lambda: ledger.counts() == (0, 0))
        made.owe(RECORD, BAD, KnownFrom.QUEUE)
        made.wake()
        made.owe(replace(RECORD, event_id=OTHER), BAD, KnownFrom.LOOK_UP)
        await until(lambda: (tmp_path / "told").read_text().count("\n") == 2)
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [(each["id"], each["source"], each["verdict"]["conclusion"]) for each in told] == [
        (EVENT, "queue", "malicious"),
        (OTHER, "look-up", "malicious"),
    ]


async def test_one_that_fails_is_tried_again(ledger: SqliteCalls, script: Callable[[str], str], tmp_path: Path) -> None:
    """Later and later, with the number of the attempt, until it succeeds."""
    lines = f'echo $SAMPLER_ATTEMPT >> {tmp_path}/tries; test "$SAMPLER_ATTEMPT" = 3'
    made = caller(ledger, OnVerdictSection([script(lines)]))
    made.owe(RECORD, BAD, KnownFrom.QUEUE)
    async with running(made):
        await until(lambda: ledger.counts() == (0, 0))
    assert (tmp_path / "tries").read_text().split() == ["1", "2", "3"]


async def test_one_that_keeps_failing_is_given_up_by_name(ledger: SqliteCalls, script: Callable[[str], str]) -> None:
    """After as many attempts as are set, with its last words."""
    made = caller(ledger, OnVerdictSection([script("echo no route; exit 9")], attempts=2))
    made.owe(RECORD, BAD, KnownFrom.QUEUE)
    async with running(made):
        await until(lambda: ledger.counts() == (0, 1))
    (given_up,) = ledger.given_up(9)
    assert (given_up.attempts, given_up.detail) == (2, "it ended with status 9; last words: no route")
    assert made.status().startswith("0 owed, 1 given up; runs /")


async def test_killed_in_the_middle_it_is_made_again(
    ledger: SqliteCalls, script: Callable[[str], str], tmp_path: Path
) -> None:
    """What was begun and not ended is begun anew by the next agent."""
    command = script(f"echo >> {tmp_path}/tries; test $(wc -l < {tmp_path}/tries) = 2 || sleep 600")
    first = caller(ledger, OnVerdictSection([command]))
    first.owe(RECORD, BAD, KnownFrom.QUEUE)
    async with running(first):
        await until((tmp_path / "tries").exists)
    assert ledger.counts() == (1, 0)
    async with running(caller(ledger, OnVerdictSection([command]))):
        await until(lambda: ledger.counts() == (0, 0))
    assert (tmp_path / "tries").read_text() == "\n\n"


async def test_no_more_at_once_than_set_and_one_of_an_object(
    ledger: SqliteCalls, script: Callable[[str], str], tmp_path: Path
) -> None:
    """Two verdicts about one object are told in their order; others meanwhile."""
    (tmp_path / "now").mkdir()
    lines = (
        f"mkdir {tmp_path}/now/$SAMPLER_EVENT_ID || exit 1; ls {tmp_path}/now | wc -l >> {tmp_path}/most; "
        f'echo "$SAMPLER_EVENT_ID $SAMPLER_SCORE" >> {tmp_path}/order; sleep 0.2; '
        f"rmdir {tmp_path}/now/$SAMPLER_EVENT_ID"
    )
    made = caller(ledger, OnVerdictSection([script(lines)], parallel=2, attempts=1))
    for event_id in (EVENT, OTHER, "2b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"):
        for score in (1, 2):
            made.owe(replace(RECORD, event_id=event_id), replace(BAD, score=score), KnownFrom.QUEUE)
    async with running(made):
        await until(lambda: ledger.counts()[0] == 0)
    assert ledger.counts() == (0, 0)
    assert max(map(int, (tmp_path / "most").read_text().split())) <= 2
    order = [line.split() for line in (tmp_path / "order").read_text().splitlines()]
    assert [score for event_id, score in order if event_id == EVENT] == ["1", "2"]


def test_only_verdicts_that_are_asked_for(ledger: SqliteCalls) -> None:
    """Without a command, for other conclusions, and for what has no bytes nothing is owed."""
    caller(ledger, OnVerdictSection()).owe(RECORD, BAD, KnownFrom.QUEUE)
    only = caller(ledger, OnVerdictSection(["/bin/true"], conclusions=(Conclusion.BENIGN,)))
    only.owe(RECORD, BAD, KnownFrom.QUEUE)
    only.owe(replace(RECORD, sha256=None), replace(BAD, conclusion=Conclusion.BENIGN), KnownFrom.QUEUE)
    assert ledger.counts() == (0, 0)
    only.owe(RECORD, replace(BAD, conclusion=Conclusion.BENIGN), KnownFrom.QUEUE)
    assert ledger.counts() == (1, 0)
    assert caller(ledger, OnVerdictSection()).status() == ""


def test_calls_that_ended_long_ago_are_forgotten(ledger: SqliteCalls) -> None:
    """What is owed stays, however old it is."""
    clock = Clock()
    made = caller(ledger, OnVerdictSection(["/bin/true"]), clock)
    made.owe(RECORD, BAD, KnownFrom.QUEUE)
    made.owe(replace(RECORD, event_id=OTHER), BAD, KnownFrom.QUEUE)
    ledger.done(ledger.due(NOW, 1)[0])
    clock.moment += timedelta(days=31)
    made.forget()
    made.owe(RECORD, BAD, KnownFrom.QUEUE)
    assert ledger.counts() == (2, 0)
