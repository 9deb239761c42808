"""Owed runs of a command in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sampler.model import VerdictCall
from sampler.storage.sqlite_calls import SqliteCalls

EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
SECOND = timedelta(seconds=1)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteCalls]:
    opened = SqliteCalls(tmp_path / "calls.sqlite")
    yield opened
    opened.close()


def call(now: datetime, event_id: str = EVENT, document: bytes = b"{}") -> VerdictCall:
    return VerdictCall(event_id, document, now)


def test_a_call_is_owed_once(file: SqliteCalls, now: datetime) -> None:
    """The same verdict about the same object again is no second call, also after the first was made."""
    assert file.note(call(now), now)
    assert not file.note(call(now + SECOND), now + SECOND)
    assert file.due(now, 9) == (call(now),)
    file.done(call(now))
    assert not file.note(call(now), now)
    assert (file.due(now, 9), file.next_due(), file.counts()) == ((), None, (0, 0))


def test_another_verdict_is_another_call(file: SqliteCalls, now: datetime) -> None:
    """In the order in which they were noted."""
    file.note(call(now, document=b"1"), now)
    file.note(call(now, document=b"2"), now)
    assert [each.document for each in file.due(now, 9)] == [b"1", b"2"]
    assert len(file.due(now, 1)) == 1


def test_one_that_failed_comes_back_later(file: SqliteCalls, now: datetime) -> None:
    """With what was the trouble, and how often."""
    file.note(call(now), now)
    file.failed(replace(call(now), detail="no route"), now + SECOND)
    assert file.due(now, 9) == ()
    assert file.next_due() == now + SECOND
    assert file.due(now + SECOND, 9) == (VerdictCall(EVENT, b"{}", now + SECOND, 1, "no route"),)


def test_one_that_is_given_up_is_named(file: SqliteCalls, now: datetime) -> None:
    """It is owed no more, and stands there with its trouble."""
    file.note(call(now), now)
    file.failed(replace(call(now), detail="no route"), None)
    assert (file.next_due(), file.counts()) == (None, (0, 1))
    assert [(each.event_id, each.detail, each.attempts) for each in file.given_up(9)] == [(EVENT, "no route", 1)]


def test_what_was_given_up_can_be_owed_again(file: SqliteCalls, now: datetime) -> None:
    """With all its attempts; what was made is not."""
    other = "1b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
    file.note(call(now), now)
    file.note(call(now, other), now)
    file.done(call(now, other))
    file.failed(replace(call(now), detail="no route"), None)
    assert file.retry(now + SECOND) == 1
    assert file.owed(9) == (VerdictCall(EVENT, b"{}", now + SECOND, 0, "no route"),)
    assert file.given_up(9) == ()
    assert file.retry(now) == 0


def test_only_ended_ones_are_forgotten(file: SqliteCalls, now: datetime) -> None:
    """What is owed stays however old it is."""
    other = "1b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
    file.note(call(now), now)
    file.note(call(now, other), now)
    file.done(call(now))
    assert file.forget(now) == 0
    assert file.forget(now + SECOND) == 1
    assert [each.event_id for each in file.due(now, 9)] == [other]


def test_what_is_owed_survives(tmp_path: Path, now: datetime) -> None:
    """Another process finds it."""
    SqliteCalls(tmp_path / "calls.sqlite").note(call(now), now)
    again = SqliteCalls(tmp_path / "calls.sqlite")
    assert again.due(now, 9) == (call(now),)
    again.close()
