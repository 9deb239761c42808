"""What hosts can look up: one contract for every ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sampler.model import Conclusion, Verdict
from sampler.queue import Device, Ledger, Listed, Submission

DAY = timedelta(days=1)
LAST = "f" * 64
SUBMISSIONS = tuple(f"{number}b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10" for number in range(4))


@pytest.fixture
def filled(ledger: Ledger, now: datetime) -> Ledger:
    """With a device's submissions."""
    ledger.add_device(Device("d", "1", "n", now, now + DAY))
    for each in SUBMISSIONS:
        ledger.add_submission(Submission(each, "d", now, b"{}"), {})
    return ledger


def line(now: datetime, start: str, *, tenant: str = "default", number: int = 0, score: int = 90) -> Listed:
    verdict = Verdict(Conclusion.MALICIOUS, score, "analyzer", now, "family", expires=now + DAY)
    return Listed(tenant, start.ljust(64, "0"), SUBMISSIONS[number], verdict)


def test_lines_between_two_hashes(filled: Ledger, now: datetime) -> None:
    """Both included, in the order of the hashes, of one tenant, no more than asked for."""
    for start in ("2", "1f", "1e", "3"):
        filled.list_verdict(line(now, start))
    filled.list_verdict(line(now, "1d", tenant="other"))
    found = filled.listed("default", "1e".ljust(64, "0"), "2".ljust(64, "0"), now, 9)
    assert found == (line(now, "1e"), line(now, "1f"), line(now, "2"))
    assert filled.listed("default", "0" * 64, LAST, now, 1) == (line(now, "1e"),)
    assert filled.listed("none", "0" * 64, LAST, now, 9) == ()


def test_the_newer_verdict_stands(filled: Ledger, now: datetime) -> None:
    """Whichever comes later."""
    filled.list_verdict(line(now, "1", number=1, score=10))
    filled.list_verdict(line(now - DAY / 2, "1", number=2, score=99))
    assert filled.listed("default", "0" * 64, LAST, now, 9) == (line(now, "1", number=1, score=10),)
    filled.list_verdict(line(now + DAY, "1", number=3, score=50))
    assert filled.listed("default", "0" * 64, LAST, now, 9) == (line(now + DAY, "1", number=3, score=50),)


def test_expired_lines_are_not_told_and_go(filled: Ledger, now: datetime) -> None:
    """From their last moment on, so many at a time."""
    later = line(now, "3")
    filled.list_verdict(line(now, "1"))
    filled.list_verdict(line(now, "2"))
    filled.list_verdict(replace(later, verdict=replace(later.verdict, expires=now + 2 * DAY)))
    assert [each.sha256[0] for each in filled.listed("default", "0" * 64, LAST, now + DAY, 9)] == ["3"]
    assert filled.listed_count("default", LAST, 9) == 3
    assert [filled.forget_listed(now + DAY, 1) for _ in range(3)] == [1, 1, 0]
    assert filled.listed_count("default", LAST, 9) == 1


def test_counting_stops(filled: Ledger, now: datetime) -> None:
    """At a hash, that included, and at a number; lines of others do not count."""
    for start in ("1", "2", "3"):
        filled.list_verdict(line(now, start))
    filled.list_verdict(line(now, "1", tenant="other"))
    assert filled.listed_count("default", "2".ljust(64, "0"), 9) == 2
    assert filled.listed_count("default", LAST, 2) == 2


def test_a_recall_takes_its_line_away(filled: Ledger, now: datetime) -> None:
    """And no other's."""
    filled.list_verdict(line(now, "1", number=0))
    filled.list_verdict(line(now, "2", number=1))
    filled.erase_submission(SUBMISSIONS[0])
    assert [each.sha256[0] for each in filled.listed("default", "0" * 64, LAST, now, 9)] == ["2"]
