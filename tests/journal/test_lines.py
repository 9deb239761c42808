from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.journal.lines import FIRST_PREVIOUS, read_line, write_line

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_text, _json, max_size=4), _text)
def test_a_line_reads_back_as_it_was_written(document: dict[str, Any], event_id: str) -> None:
    """Whatever JSON can hold comes back equal, on one line."""
    line, digest = write_line(3, NOW, "sent", event_id, document, previous=FIRST_PREVIOUS)
    entry = read_line(line)
    assert line.count(b"\n") == 1
    assert (entry.number, entry.at, entry.kind, entry.event_id, entry.document, entry.previous, entry.digest) == (
        3, NOW, "sent", event_id, document, FIRST_PREVIOUS, digest,
    )  # fmt: skip


@given(st.data())
def test_any_flipped_bit_is_seen(data: st.DataObject) -> None:
    """No bit of a line can be changed without the line being refused."""
    line, _ = write_line(1, NOW, "sent", "x", {"a": "b"}, previous=FIRST_PREVIOUS)
    place = data.draw(st.integers(0, len(line) - 1))
    changed = bytearray(line)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError):
        read_line(bytes(changed))


def test_time_keeps_its_instant() -> None:
    """A time in another zone is the same instant when it is read."""
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    line, _ = write_line(1, east, "sent", "x", {}, previous=FIRST_PREVIOUS)
    assert read_line(line).at == NOW


@pytest.mark.parametrize(
    ("kind", "at", "document"),
    [
        ("Sent!", NOW, {}),
        ("sent", NOW.replace(tzinfo=None), {}),
        ("sent", NOW, {"a": object()}),
        ("sent", NOW, {"a": "\ud800"}),
    ],
)
def test_what_is_not_an_entry_is_refused(kind: str, at: datetime, document: dict[str, Any]) -> None:
    """A bad kind, a time without a zone, and what JSON cannot hold are refused before anything is written."""
    with pytest.raises(ValueError):
        write_line(1, at, kind, "x", document, previous=FIRST_PREVIOUS)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_entry_are_refused(data: bytes) -> None:
    """Arbitrary bytes never read as an entry and never raise anything else."""
    with pytest.raises(ValueError):
        read_line(data)
