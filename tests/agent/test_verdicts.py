"""Verdicts that a host remembers, and for which objects they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.verdicts import Verdicts, known_record, may_be_known
from sampler.model import (
    Candidate,
    Conclusion,
    ContentKind,
    Finding,
    KnownFrom,
    KnownVerdict,
    ObjectRecord,
    ObjectState,
    PathSource,
    Peer,
    Plan,
    ProcessMemorySource,
    Reason,
    Sampling,
    Verdict,
)
from sampler.storage.sqlite_known import SqliteKnown

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
HASH = "ab" * 32
BAD = Verdict(Conclusion.MALICIOUS, 95, "analyzer", NOW, expires=NOW + DAY)
RECORD = ObjectRecord(
    EVENT, ObjectState.DELIVERED, NOW, NOW, 1000, Reason.DETECTION, sha256=HASH, size=7, sampling=Sampling.PARTS
)
CANDIDATE = Candidate(EVENT, NOW, Reason.DETECTION, Peer(1000, 1000, 1), PathSource(b"/x"))
FINDING = Finding(
    event_id=EVENT,
    created=NOW,
    reason=Reason.DETECTION,
    sha256=HASH,
    size=7,
    kind=ContentKind.SCRIPT,
    mime_type="text/plain",
    ruleset_version="v",
    plan=Plan(Sampling.PARTS),
)


class Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")


@pytest.fixture
def verdicts(tmp_path: Path) -> Iterator[Verdicts]:
    file = SqliteKnown(tmp_path / "known.sqlite")
    yield Verdicts(file, Clock(), 7 * 86_400.0)
    file.close()


def at(verdicts: Verdicts, moment: datetime) -> None:
    assert isinstance(verdicts.clock, Clock)
    verdicts.clock.moment = moment


def test_it_answers_for_the_same_bytes_until_it_expires(verdicts: Verdicts) -> None:
    """And for no others."""
    verdicts.remember(RECORD, BAD)
    known = verdicts.about(FINDING)
    assert known == KnownVerdict(HASH, BAD, KnownFrom.QUEUE, NOW + DAY, Sampling.PARTS)
    assert verdicts.about(replace(FINDING, sha256="cd" * 32)) is None
    at(verdicts, NOW + DAY)
    assert verdicts.about(FINDING) is None
    assert verdicts.find(HASH) is None


def test_it_does_not_answer_where_more_would_be_sent_now(verdicts: Verdicts) -> None:
    """What was concluded from features does not stand in for the whole that a newer rule asks for."""
    verdicts.remember(RECORD, BAD)
    assert verdicts.about(replace(FINDING, plan=Plan(Sampling.WHOLE))) is None
    assert verdicts.about(replace(FINDING, plan=Plan(Sampling.METADATA))) is not None


@pytest.mark.parametrize(
    ("candidate", "may"),
    [
        (CANDIDATE, True),
        (replace(CANDIDATE, reason=Reason.POLICY), True),
        (replace(CANDIDATE, reason=Reason.ANALYST), False),
        (replace(CANDIDATE, reason=Reason.TRUSTED), False),
        (replace(CANDIDATE, answers=EVENT), False),
        (replace(CANDIDATE, source=ProcessMemorySource(1)), False),
    ],
)
def test_what_is_sent_whatever_is_known(candidate: Candidate, *, may: bool) -> None:
    """What a person submits, what the queue asked for, and what are no file's bytes."""
    assert may_be_known(candidate) is may


def test_nobody_is_believed_for_longer_than_set(verdicts: Verdicts) -> None:
    """However long the queue says."""
    verdicts.remember(RECORD, replace(BAD, expires=NOW + 365 * DAY))
    known = verdicts.find(HASH)
    assert known is not None
    assert known.expires == NOW + 7 * DAY


@pytest.mark.parametrize(
    "verdict",
    [
        replace(BAD, expires=None),
        replace(BAD, expires=NOW),
        replace(BAD, conclusion=Conclusion.UNKNOWN),
    ],
)
def test_what_says_nothing_is_not_remembered(verdicts: Verdicts, verdict: Verdict) -> None:
    """No time, a time that is over, or no conclusion."""
    verdicts.remember(RECORD, verdict)
    assert verdicts.find(HASH) is None


def test_switched_off_nothing_answers(verdicts: Verdicts) -> None:
    """Also not what was remembered before."""
    verdicts.remember(RECORD, BAD)
    off = replace(verdicts, max_seconds=0)
    assert off.find(HASH) is None
    off.remember(replace(RECORD, sha256="cd" * 32), BAD)
    assert verdicts.find("cd" * 32) is None


def test_a_file_that_fails_knows_nothing(verdicts: Verdicts, tmp_path: Path) -> None:
    """The object is sent then; nothing ends for want of a cache."""
    other = SqliteKnown(tmp_path / "other.sqlite")
    broken = replace(verdicts, ledger=other)
    broken.remember(RECORD, BAD)
    other._database.execute("DROP TABLE known")
    assert broken.find(HASH) is None
    broken.remember(RECORD, BAD)
    broken.forget()
    other.close()


def test_the_record_says_who_said_it() -> None:
    """And until when, and that nothing was sent."""
    ended = known_record(RECORD, KnownVerdict(HASH, BAD, KnownFrom.LOOK_UP, NOW + DAY))
    assert (ended.state, ended.verdict) == (ObjectState.KNOWN, BAD)
    assert ended.detail == (
        "nothing was sent: malicious (95) by analyzer, known from look-up until 2026-11-26T12:00:00Z"
    )
