from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.wire.audit_messages import FIRST_CHAIN, Action, AuditLine, chained, first_break

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _log(count: int, start: int = 0, before: str = FIRST_CHAIN) -> list[AuditLine]:
    lines = []
    for position in range(start, start + count):
        line = AuditLine(
            position=position,
            at=NOW + timedelta(minutes=position),
            actor="änn",
            role="analyst",
            tenant="bank",
            action=Action.DOWNLOAD,
            subject=f"s{position}",
            detail="cart",
            chain=FIRST_CHAIN,
        )
        before = chained(before, line)
        lines.append(msgspec.structs.replace(line, chain=before))
    return lines


def test_the_chain_is_made_as_it_is_described() -> None:
    """Anybody can compute the hash of the first entry by hand, and gets this one."""
    text = b'[0,1767323045678901,"\\u00e4nn","analyst","bank","download","s0","cart"]'
    by_hand = hashlib.sha256(b"sampler audit 1\n" + bytes(32) + text).hexdigest()
    assert _log(1)[0].chain == by_hand


def test_a_log_that_is_whole_has_no_break() -> None:
    """From its start, from an entry that is believed, and when its start was forgotten."""
    log = _log(5)
    assert first_break([]) is None
    assert first_break(log) is None
    assert first_break(log[2:]) is None
    assert first_break(log[2:], before=log[1]) is None


@pytest.mark.parametrize("column", ["at", "actor", "role", "tenant", "action", "subject", "detail"])
def test_an_altered_entry_is_found(column: str) -> None:
    """Whatever is altered in it, its place is named."""
    log = _log(4)
    other = {"at": NOW, "action": Action.LEASE}.get(column, "other")
    log[2] = msgspec.structs.replace(log[2], **{column: other})
    assert first_break(log) == 2


@given(st.integers(2, 6), st.data())
def test_nothing_is_taken_out_or_exchanged_unseen(count: int, data: st.DataObject) -> None:
    """A log without one of its entries, but for the last, or with two exchanged, does not hold together."""
    log = _log(count)
    gone = data.draw(st.integers(1, count - 2)) if count > 2 else None
    if gone is not None:
        assert first_break(log[:gone] + log[gone + 1 :]) == gone + 1
    first = data.draw(st.integers(0, count - 2))
    log[first], log[first + 1] = log[first + 1], log[first]
    assert first_break(log) is not None


def test_a_log_that_was_written_anew_is_another_one() -> None:
    """Whoever alters an entry and all hashes behind it ends with another last hash than was seen before."""
    seen = _log(4)[-1].chain
    forged = _log(2)
    forged[1] = msgspec.structs.replace(forged[1], actor="eve")
    forged[1] = msgspec.structs.replace(forged[1], chain=chained(forged[0].chain, forged[1]))
    forged += _log(2, start=2, before=forged[1].chain)
    assert first_break(forged) is None
    assert forged[-1].chain != seen
