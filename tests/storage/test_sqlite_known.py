"""Verdicts by hash in a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sampler.model import Conclusion, KnownFrom, KnownVerdict, Sampling, Verdict
from sampler.storage.sqlite_known import SqliteKnown

HASH = "ab" * 32
HOUR = timedelta(hours=1)


def known(now: datetime, sha256: str = HASH, *, hours: int = 1, score: int = 90) -> KnownVerdict:
    verdict = Verdict(Conclusion.MALICIOUS, score, "analyzer", now, "family", expires=now + hours * HOUR)
    return KnownVerdict(sha256, verdict, KnownFrom.QUEUE, now + hours * HOUR, Sampling.PARTS)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteKnown]:
    opened = SqliteKnown(tmp_path / "known.sqlite", max_count=3)
    yield opened
    opened.close()


def test_what_was_kept_comes_back_whole(tmp_path: Path, now: datetime) -> None:
    """It survives the end of the process, and nobody else can read it."""
    SqliteKnown(tmp_path / "known.sqlite").put(known(now))
    again = SqliteKnown(tmp_path / "known.sqlite")
    assert again.get(HASH) == known(now)
    assert again.get("cd" * 32) is None
    assert (tmp_path / "known.sqlite").stat().st_mode & 0o077 == 0
    again.close()


def test_the_newer_verdict_stands(file: SqliteKnown, now: datetime) -> None:
    """One that was given earlier and comes later does not replace it."""
    file.put(known(now + HOUR, score=10))
    file.put(known(now, score=99))
    kept = file.get(HASH)
    assert kept is not None
    assert kept.verdict.score == 10
    file.put(known(now + 2 * HOUR, score=50))
    assert file.get(HASH) == known(now + 2 * HOUR, score=50)


def test_what_expired_goes(file: SqliteKnown, now: datetime) -> None:
    """From its last moment on; others stay."""
    file.put(known(now, hours=1))
    file.put(known(now, "cd" * 32, hours=2))
    assert file.forget(now + HOUR) == 1
    assert file.get(HASH) is None
    assert file.get("cd" * 32) is not None


def test_of_too_many_the_soonest_to_expire_go(file: SqliteKnown, now: datetime) -> None:
    """So that the file does not grow for ever."""
    for number in range(1, 6):
        file.put(known(now, f"{number:064x}", hours=number))
    assert file.forget(now) == 2
    assert [file.get(f"{number:064x}") is not None for number in range(1, 6)] == [False, False, True, True, True]
