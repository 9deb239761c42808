"""Who did what, in every implementation of ``queue.Ledger``."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from sampler.queue import AuditEntry, AuditQuestion, Ledger
from sampler.wire.audit_messages import FIRST_CHAIN, Action, AuditLine

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _entry(minute: int, actor: str = "ann", action: Action = Action.LEASE, tenant: str = "bank") -> AuditEntry:
    return AuditEntry(NOW + timedelta(minutes=minute), actor, "analyst", tenant, action, f"s{minute}", "why")


def _line(position: int, entry: AuditEntry) -> AuditLine:
    return AuditLine(
        position=position,
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        tenant=entry.tenant,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
        chain=f"{position:064x}",
    )


def _chained(ledger: Ledger, *entries: AuditEntry) -> list[AuditLine]:
    for entry in entries:
        ledger.add_act(entry)
    with ledger.transaction():
        last = ledger.last_in_chain()
        loose = ledger.loose_acts(1000)
        first = last.position + 1 if last else 0
        lines = [(number, _line(first + place, entry)) for place, (number, entry) in enumerate(loose)]
        ledger.chain_acts(lines)
    return [line for _, line in lines]


def test_an_entry_gets_its_place_once(ledger: Ledger) -> None:
    """Entries wait in the order in which they came; one with a place waits no more, and comes back as it was."""
    assert ledger.last_in_chain() is None
    entries = [_entry(number) for number in range(3)]
    for entry in entries:
        ledger.add_act(entry)
    with ledger.transaction():
        loose = ledger.loose_acts(2)
        assert [entry for _, entry in loose] == entries[:2]
        ledger.chain_acts([(number, _line(place, entry)) for place, (number, entry) in enumerate(loose)])
    assert [entry for _, entry in ledger.loose_acts(9)] == entries[2:]
    assert ledger.last_in_chain() == _line(1, entries[1])
    assert ledger.audit(AuditQuestion(), -1, 9) == (_line(0, entries[0]), _line(1, entries[1]))
    assert ledger.audit(AuditQuestion(), 0, 9) == (_line(1, entries[1]),)
    assert FIRST_CHAIN not in [line.chain for line in ledger.audit(AuditQuestion(), 0, 9)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (AuditQuestion(), [0, 1, 2, 3]),
        (AuditQuestion(actor="bob"), [1]),
        (AuditQuestion(action=Action.DOWNLOAD), [2]),
        (AuditQuestion(tenant="shop"), [3]),
        (AuditQuestion(subject="s2"), [2]),
        (AuditQuestion(since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=3)), [1, 2]),
        (AuditQuestion(actor="ann", subject="s1"), []),
    ],
)
def test_what_is_asked_for_is_found(ledger: Ledger, asked: AuditQuestion, found: list[int]) -> None:
    """Conditions are met together, and the answer is in the chain's order."""
    _chained(ledger, _entry(0), _entry(1, "bob"), _entry(2, action=Action.DOWNLOAD), _entry(3, tenant="shop"))
    assert [line.position for line in ledger.audit(asked, -1, 9)] == found
    assert [line.position for line in ledger.audit(asked, -1, 1)] == found[:1]


def test_what_is_undone_was_not_done(ledger: Ledger) -> None:
    """An entry is there exactly when the step that it tells of is."""
    with contextlib.suppress(ZeroDivisionError), ledger.transaction():
        ledger.add_act(_entry(0))
        raise ZeroDivisionError
    assert ledger.loose_acts(9) == ()


def test_old_entries_go_from_the_start_on(ledger: Ledger) -> None:
    """Old ones go a few at a time and in order; the last one stays whatever its age, for the chain goes on from it."""
    _chained(ledger, *map(_entry, range(5)))
    gone = 0
    while count := ledger.forget_acts(NOW + timedelta(minutes=3), 2):
        gone += count
    assert gone == 3
    assert [line.position for line in ledger.audit(AuditQuestion(), -1, 9)] == [3, 4]
    while ledger.forget_acts(NOW + timedelta(days=1), 9):
        pass
    assert [line.position for line in ledger.audit(AuditQuestion(), -1, 9)] == [4]
    (line,) = _chained(ledger, _entry(9))
    assert line.position == 5
