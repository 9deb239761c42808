from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sampler.cli.history_sums import Sums, buckets
from sampler.journal import JournalEntry

START = datetime(2026, 1, 1, 23, 0, tzinfo=UTC)
_days = st.integers(0, 3000).map(lambda day: date(2020, 1, 1) + timedelta(days=day))


def journal(*told: tuple[str, str, dict[str, Any]]) -> list[JournalEntry]:
    """Entries an hour apart, newest first."""
    numbers = count(1)
    entries = [
        JournalEntry(number, START + timedelta(hours=number - 1), kind, event_id, document, "", "")
        for number, (kind, event_id, document) in zip(numbers, told, strict=False)
    ]
    return entries[::-1]


def offered(size: int, *scopes: str) -> dict[str, Any]:
    fields = {"event.reason": "policy", "file.path": "~user/x"}
    statement = {"id": "extended", "version": 2}
    manifest = {"object": {"sha256": "ab", "size": size}, "fields": fields, "statement": statement}
    return {"scopes": list(scopes), "manifest": manifest}


def test_what_left_is_counted_by_day_scope_and_reason() -> None:
    """Objects by the day of their offer, bytes by the day on which they had travelled; what was refused is none."""
    sums = Sums.of(
        journal(
            ("offered", "a", offered(5, "metadata", "whole")),
            ("delivered", "a", {"state": "delivered", "sent_bytes": 5}),
            ("refused", "b", {"rule": "P1"}),
            ("offered", "c", offered(7, "metadata")),
        )
    )
    assert sums.objects == {date(2026, 1, 1): 1, date(2026, 1, 2): 1}
    assert sums.sent_bytes == {date(2026, 1, 2): 5}
    assert sums.scopes == {"metadata": 2, "whole": 1}
    assert sums.reasons == {"policy": 2}


def test_an_object_is_one_row_with_what_became_of_it() -> None:
    """Newest first, each with the newest verdict and the state of its recall."""
    sums = Sums.of(
        journal(
            ("offered", "a", offered(5, "whole")),
            ("delivered", "a", {"state": "delivered", "sent_bytes": 5}),
            ("receipt", "a", {"position": 3}),
            ("verdict", "a", {"conclusion": "unknown", "score": 0, "analyzer": "one"}),
            ("verdict", "a", {"conclusion": "benign", "score": 1, "analyzer": "two"}),
            ("recall_asked", "a", {}),
            ("recall_confirmed", "a", {}),
            ("offered", "b", offered(7)),
        )
    )
    waiting, done = sums.rows
    assert (waiting.event_id, waiting.outcome, waiting.sent_bytes) == ("b", "", 0)
    assert (done.event_id, done.outcome, done.sent_bytes, done.statement) == ("a", "delivered", 5, "extended version 2")
    assert (done.verdict, done.receipt, done.recalled) == ("benign (1) by two", "position 3", "confirmed")


def test_an_offer_that_a_crash_repeated_is_one_object() -> None:
    """The second entry says the same."""
    sums = Sums.of(journal(("offered", "a", offered(5)), ("offered", "a", offered(5))))
    assert sums.objects.total() == len(sums.rows) == 1


def test_memory_does_not_grow_with_the_journal() -> None:
    """Beyond the newest rows objects are only counted."""
    sums = Sums(rows_max_count=3)
    told = [
        step for number in range(50) for step in (("offered", f"{number}", offered(1)), ("delivered", f"{number}", {}))
    ]
    for entry in journal(*told):
        sums.add(entry)
    assert [row.event_id for row in sums.rows] == ["49", "48", "47"]
    assert sums.objects.total() == 50
    assert len(sums._open) <= 1


@given(st.dictionaries(_days, st.integers(0, 10**9), max_size=40))
def test_steps_hold_every_count_and_are_few(counts: dict[date, int]) -> None:
    """By day, week or month: nothing is lost, steps are in order and never more than can be drawn."""
    _, steps = buckets(Counter(counts))
    labels = [label for label, _ in steps]
    assert sum(value for _, value in steps) == sum(counts.values())
    assert labels == sorted(set(labels))
    assert len(steps) <= 170


def test_days_without_anything_are_shown() -> None:
    """A gap is a gap, not two bars side by side."""
    step, steps = buckets({date(2026, 1, 1): 1, date(2026, 1, 4): 2})
    assert (step, steps) == ("day", [("2026-01-01", 1), ("2026-01-02", 0), ("2026-01-03", 0), ("2026-01-04", 2)])
