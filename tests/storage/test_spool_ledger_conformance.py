"""One suite over every ledger of the spool: what one of them does, all of them do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import StorageError
from sampler.model import (
    Conclusion,
    Content,
    ObjectRecord,
    ObjectState,
    Omission,
    Part,
    PartKind,
    Reason,
    Sampling,
    Scope,
    Spent,
    StatementRef,
    Verdict,
    Waiting,
)
from sampler.spool import SpoolLedger, Wish
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.storage.sqlite_spool import SqliteSpoolLedger

_NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
_A, _B = "a" * 64, "b" * 64
_DELIVERED, _SPOOLED = ObjectState.DELIVERED, ObjectState.SPOOLED


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SpoolLedger]:
    """Each of them in turn."""
    made: SpoolLedger = (
        MemorySpoolLedger() if request.param == "memory" else SqliteSpoolLedger(tmp_path / "ledger.sqlite")
    )
    yield made
    made.close()


def _record(event_id: str, state: ObjectState = _SPOOLED, *, created: datetime = _NOW) -> ObjectRecord:
    part = Part(PartKind.SECTION, ".text", 512, 10, _B)
    return ObjectRecord(
        event_id=event_id,
        state=state,
        created=created,
        updated=created,
        uid=1000,
        reason=Reason.ANALYST,
        path=b"/tmp/line\nbreak \xff\xfe",
        sha256=_A,
        size=4096,
        mime_type="application/x-dosexec",
        detail="détail",
        rule="7",
        detections=("Eicar",),
        matches=(("rule", 3),),
        sampling=Sampling.PARTS,
        contents=(Content(_A, 4096, 0), Content(_B, 10, 512, part)),
        omissions=(Omission("section:.rsrc", "the object has none"),),
    )


def _waiting(event_id: str, *contents: Content) -> Waiting:
    statement = StatementRef("basic", 2, "c" * 64)
    return Waiting(event_id, b'{"m": 1}', contents, frozenset({Scope.WHOLE, Scope.METADATA}), statement, 0)


def _add(ledger: SpoolLedger, event_id: str, *contents: Content, created: datetime = _NOW) -> None:
    assert ledger.add(_record(event_id, created=created), _waiting(event_id, *contents))


def _finish(ledger: SpoolLedger, event_id: str, state: ObjectState = _DELIVERED) -> tuple[str, ...]:
    return ledger.finish(event_id, state, detail="done", sent_bytes=5, now=_NOW + timedelta(seconds=1))


def test_a_record_comes_back_as_it_was(ledger: SpoolLedger) -> None:
    """Every value of a record comes back, hostile paths and all."""
    assert ledger.add(_record("1", ObjectState.REFUSED), None)
    assert ledger.get("1") == _record("1", ObjectState.REFUSED)
    assert ledger.get("2") is None


def test_what_waits_comes_back_as_it_was(ledger: SpoolLedger) -> None:
    """Every value of what waits comes back."""
    contents = _record("1").contents
    _add(ledger, "1", *contents)
    assert ledger.due(_NOW, 10) == (_waiting("1", *contents),)


def test_the_first_of_an_event_stays(ledger: SpoolLedger) -> None:
    """A second object with the same event_id changes nothing."""
    assert ledger.add(_record("1", ObjectState.REFUSED), None)
    assert not ledger.add(_record("1"), _waiting("1", Content(_A, 1, 0)))
    assert ledger.get("1") == _record("1", ObjectState.REFUSED)
    assert (ledger.due(_NOW, 1), ledger.used_bytes(), ledger.unneeded([_A])) == ((), 0, (_A,))


def test_pages(ledger: SpoolLedger) -> None:
    """Lists go from the last one added to the first, after a given one, of one state, up to a limit."""
    for number in range(4):
        assert ledger.add(_record(str(number), ObjectState.REFUSED if number % 2 else _SPOOLED), None)

    def listed(state: ObjectState | None, after: str | None, limit: int) -> str:
        return "".join(record.event_id for record in ledger.list(state=state, after=after, limit=limit))

    assert listed(None, None, 9) == "3210"
    assert listed(None, None, 2) == "32"
    assert listed(None, "2", 9) == "10"
    assert listed(_SPOOLED, None, 9) == "20"
    assert listed(_SPOOLED, "2", 9) == listed(_SPOOLED, "1", 9) == "0"
    assert listed(None, "unknown", 9) == ""
    assert ledger.counts() == {_SPOOLED: 2, ObjectState.REFUSED: 2}


def test_due(ledger: SpoolLedger) -> None:
    """What waits is due from its time on, oldest first; what is postponed later; attempts are counted."""
    assert ledger.next_due() is None
    _add(ledger, "1")
    _add(ledger, "2", created=_NOW - timedelta(hours=1))
    _add(ledger, "3", created=_NOW + timedelta(hours=1))
    assert [waiting.event_id for waiting in ledger.due(_NOW, 9)] == ["1", "2"]
    assert [waiting.event_id for waiting in ledger.due(_NOW, 1)] == ["1"]
    assert ledger.next_due() == _NOW - timedelta(hours=1)
    later = _NOW + timedelta(microseconds=1)
    for event_id in ("1", "2"):
        ledger.postpone(event_id, later, detail="busy", now=_NOW)
    assert (ledger.due(_NOW, 9), ledger.next_due()) == ((), later)
    assert [(waiting.event_id, waiting.attempts) for waiting in ledger.due(later, 9)] == [("1", 1), ("2", 1)]
    record = ledger.get("1")
    assert record is not None
    assert (record.detail, record.state) == ("busy", _SPOOLED)


def test_held_is_never_due(ledger: SpoolLedger) -> None:
    """What a person has to approve is not due, not even when it is postponed."""
    assert ledger.add(_record("1", ObjectState.HELD), _waiting("1", Content(_A, 7, 0)))
    ledger.postpone("1", _NOW, detail="held", now=_NOW)
    assert (ledger.due(_NOW, 9), ledger.next_due()) == ((), None)
    assert _finish(ledger, "1", ObjectState.EXPIRED) == (_A,)


def test_a_release_is_due_at_once_and_happens_once(ledger: SpoolLedger) -> None:
    """What a person approved is delivered as the new record says; what is not held cannot be released."""
    held, whole = _record("1", ObjectState.HELD), Content(_A, 4096, 0)
    assert ledger.add(held, None)
    released = replace(held, state=_SPOOLED, detail="approved", updated=_NOW + timedelta(days=1))
    assert not ledger.release(replace(released, event_id="2"), _waiting("2", whole))
    assert ledger.release(released, _waiting("1", whole))
    assert ledger.get("1") == released
    assert ledger.due(_NOW, 9) == ()
    assert ledger.due(released.updated, 9) == (_waiting("1", whole),)
    assert ledger.unneeded([_A]) == ()
    assert not ledger.release(released, _waiting("1", whole))
    _finish(ledger, "1")
    assert not ledger.release(released, _waiting("1", whole))


def test_what_was_permitted_is_counted_by_its_time(ledger: SpoolLedger) -> None:
    """Objects with contents count from when they may leave, whatever becomes of them; equal bytes count once."""
    whole, part = Content(_A, 4096, 0), Content(_B, 10, 512)
    _add(ledger, "1", whole, part, part)
    _add(ledger, "2")
    ledger.add(_record("3", ObjectState.HELD), None)
    late = _NOW + timedelta(hours=30)
    ledger.release(replace(_record("3"), updated=late), _waiting("3", part))
    _finish(ledger, "1")
    assert ledger.permitted_since(_NOW) == Spent(4116, 2)
    assert ledger.permitted_since(_NOW + timedelta(microseconds=1)) == Spent(10, 1)
    assert ledger.permitted_since(late + timedelta(microseconds=1)) == Spent()


def test_the_rule_that_ends_it(ledger: SpoolLedger) -> None:
    """An end by a rule names it; one without leaves what stood there."""
    for event_id, rule in (("1", None), ("2", "P10 denied")):
        _add(ledger, event_id)
        ledger.finish(event_id, ObjectState.REFUSED, detail="", sent_bytes=0, now=_NOW, rule=rule)
    assert [record.rule for record in ledger.list(state=None, after=None, limit=9)] == ["P10 denied", "7"]


def test_the_end(ledger: SpoolLedger) -> None:
    """At its end an object lets go of its contents, keeps how it ended, and keeps it for good."""
    _add(ledger, "1", Content(_B, 10, 0), Content(_A, 7, 0), Content(_A, 7, 50))
    assert _finish(ledger, "1") == (_A, _B)
    record = ledger.get("1")
    assert record is not None
    assert (record.state, record.detail, record.sent_bytes) == (_DELIVERED, "done", 5)
    assert (record.created, record.updated) == (_NOW, _NOW + timedelta(seconds=1))
    assert (ledger.due(_NOW, 9), ledger.next_due(), ledger.used_bytes()) == ((), None, 0)
    assert _finish(ledger, "1", ObjectState.RECALLED) == ()
    ledger.postpone("1", _NOW, detail="later", now=_NOW)
    assert ledger.get("1") == record
    assert ledger.next_due() is None


def test_unknown_objects(ledger: SpoolLedger) -> None:
    """What is asked of an unknown object changes nothing and is no error."""
    assert _finish(ledger, "1") == ()
    ledger.postpone("1", _NOW, detail="later", now=_NOW)
    ledger.remember_upload("1", _A, "url")
    assert ledger.upload_url("1", _A) is None
    assert ledger.set_verdict("1", Verdict(Conclusion.BENIGN, 0, "a", _NOW), _NOW) is None
    assert not ledger.counts()


def test_shared_contents(ledger: SpoolLedger) -> None:
    """A content counts once and is needed until the last of its objects ends."""
    manifest = len(_waiting("1").manifest)
    _add(ledger, "1", Content(_A, 7, 0))
    _add(ledger, "2", Content(_A, 7, 0), Content(_B, 10, 0))
    assert ledger.used_bytes() == 17 + 2 * manifest
    _finish(ledger, "1")
    assert ledger.unneeded([_A, _B, "c" * 64]) == ("c" * 64,)
    assert ledger.used_bytes() == 17 + manifest
    _finish(ledger, "2")
    assert ledger.unneeded([_A, _B]) == (_A, _B)


def test_uploads(ledger: SpoolLedger) -> None:
    """Where an upload goes on is kept for each object and content, and goes with the object's end."""
    _add(ledger, "1", Content(_A, 7, 0))
    _add(ledger, "2", Content(_A, 7, 0))
    ledger.remember_upload("1", _A, "")
    assert (ledger.upload_url("1", _A), ledger.upload_url("2", _A)) == ("", None)
    ledger.remember_upload("1", _A, "url")
    ledger.remember_upload("1", _B, "never")
    assert (ledger.upload_url("1", _A), ledger.upload_url("1", _B)) == ("url", None)
    _finish(ledger, "1")
    ledger.remember_upload("1", _A, "late")
    assert ledger.upload_url("1", _A) is None


def test_verdicts(ledger: SpoolLedger) -> None:
    """A verdict is kept in any state, and changes neither state nor due time."""
    verdict = Verdict(Conclusion.MALICIOUS, 100, "analyzer", _NOW, "family", "note")
    later = _NOW + timedelta(hours=1)
    _add(ledger, "1")
    record = ledger.set_verdict("1", verdict, later)
    assert record is not None
    assert (record.verdict, record.updated, record.state) == (verdict, later, _SPOOLED)
    assert (ledger.get("1"), ledger.next_due()) == (record, _NOW)
    _finish(ledger, "1")
    again = ledger.set_verdict("1", verdict, later)
    assert again is not None
    assert (again.verdict, again.state) == (verdict, _DELIVERED)


def test_cursor(ledger: SpoolLedger) -> None:
    """The cursor begins at 0 and is what it was set to."""
    assert ledger.cursor() == 0
    ledger.set_cursor(5)
    ledger.set_cursor(9)
    assert ledger.cursor() == 9


_EVENTS = st.sampled_from("123")
_STEPS = st.one_of(
    st.tuples(
        st.just("add"), _EVENTS, st.sets(st.sampled_from([_A, _B])), st.sampled_from([_SPOOLED, ObjectState.HELD])
    ),
    st.tuples(st.just("finish"), _EVENTS, st.sampled_from([_DELIVERED, ObjectState.RECALLED])),
    st.tuples(st.just("postpone"), _EVENTS, st.integers(-5, 5)),
    st.tuples(st.just("remember"), _EVENTS, st.sampled_from([_A, _B])),
    st.tuples(st.just("release"), _EVENTS, st.sets(st.sampled_from([_A, _B]))),
)


def _apply(ledger: SpoolLedger, step: tuple[object, ...]) -> object:
    match step:
        case ("add", str(event_id), set(hashes), ObjectState() as state):
            contents = [Content(sha256, 7, 0) for sha256 in sorted(hashes)]
            return ledger.add(_record(event_id, state), _waiting(event_id, *contents))
        case ("release", str(event_id), set(hashes)):
            contents = [Content(sha256, 7, 0) for sha256 in sorted(hashes)]
            return ledger.release(_record(event_id), _waiting(event_id, *contents))
        case ("finish", str(event_id), ObjectState() as state):
            return _finish(ledger, event_id, state)
        case ("postpone", str(event_id), int(seconds)):
            ledger.postpone(event_id, _NOW + timedelta(seconds=seconds), detail=str(seconds), now=_NOW)
        case ("remember", str(event_id), str(sha256)):
            ledger.remember_upload(event_id, sha256, "url")
    return None


def _seen(ledger: SpoolLedger) -> tuple[object, ...]:
    return (
        ledger.list(state=None, after=None, limit=9),
        ledger.counts(),
        ledger.used_bytes(),
        ledger.due(_NOW, 9),
        ledger.next_due(),
        ledger.unneeded([_A, _B]),
        ledger.permitted_since(_NOW),
        [ledger.upload_url(event_id, sha256) for event_id in "123" for sha256 in (_A, _B)],
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=12))
def test_both_agree(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, ...]]) -> None:
    """Whatever is done to them, in whatever order, the two ledgers answer alike."""
    durable = SqliteSpoolLedger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    try:
        memory = MemorySpoolLedger()
        for step in steps:
            assert _apply(durable, step) == _apply(memory, step)
            assert _seen(durable) == _seen(memory)
    finally:
        durable.close()


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    """A damaged file is a clear error that names it."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match=r"ledger\.sqlite"):
        SqliteSpoolLedger(path)


def test_reading_a_damaged_ledger(tmp_path: Path) -> None:
    """A ledger that fails while it is read is our error, not the driver's."""
    path = tmp_path / "ledger.sqlite"
    whole = SqliteSpoolLedger(path)
    _add(whole, "1", Content(_A, 7, 0))
    whole.close()
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'objects'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    damaged = SqliteSpoolLedger(path)
    with pytest.raises(StorageError, match="the ledger failed"):
        damaged.get("1")
    damaged.close()


def _wish(event_id: str, seconds: float = 0) -> Wish:
    return Wish(event_id, "person", _NOW + timedelta(seconds=seconds))


def test_taken_back_from_any_state(ledger: SpoolLedger) -> None:
    """It ends as recalled, nothing of it waits any more, and the wish is kept as it was first made."""
    ledger.add(_record("w"), _waiting("w", *_record("w").contents))
    ledger.add(_record("d", _DELIVERED), None)
    assert ledger.take_back("w", _wish("w"), detail="why", now=_NOW) == (_A, _B)
    assert ledger.take_back("d", None, detail="why", now=_NOW) == ()
    assert ledger.take_back("unknown", _wish("unknown"), detail="why", now=_NOW) == ()
    for event_id in ("w", "d"):
        record = ledger.get(event_id)
        assert record is not None
        assert (record.state, record.detail) == (ObjectState.RECALLED, "why")
    assert (ledger.due(_NOW, 9), ledger.used_bytes(), ledger.wish("unknown")) == ((), 0, None)
    ledger.take_back("w", _wish("w", 9), detail="again", now=_NOW)
    assert ledger.wish("w") == _wish("w")


def test_wishes_end(ledger: SpoolLedger) -> None:
    """The oldest first until they are confirmed, once, or dropped; a confirmed one stays."""
    for event_id, seconds in (("a", 3), ("b", 1), ("c", 2)):
        ledger.add(_record(event_id, _DELIVERED), None)
        ledger.take_back(event_id, _wish(event_id, seconds), detail="", now=_NOW)
    assert [each.event_id for each in ledger.wishes(2)] == ["b", "c"]
    later = _NOW + timedelta(seconds=5)
    ledger.end_wish("b", confirmed=True, detail="gone", now=later)
    ledger.end_wish("b", confirmed=False, detail="no", now=later)
    ledger.end_wish("c", confirmed=False, detail="never left", now=later)
    assert [each.event_id for each in ledger.wishes(9)] == ["a"]
    confirmed, dropped = ledger.wish("b"), ledger.get("c")
    assert confirmed is not None
    assert dropped is not None
    assert (confirmed.confirmed, ledger.wish("c"), dropped.detail) == (later, None, "never left")


def test_objects_in_order(ledger: SpoolLedger) -> None:
    """By identifier, each with what waits of it and its wish; contents by hash, each once."""
    for event_id in ("c", "a", "b"):
        ledger.add(_record(event_id), _waiting(event_id, *_record(event_id).contents))
    ledger.take_back("b", _wish("b"), detail="", now=_NOW)
    first, second = ledger.in_order("", 2)
    assert (first.record.event_id, first.wish, first.listed) == ("a", None, _SPOOLED)
    assert first.waiting == _waiting("a", *_record("a").contents)
    assert (second.record.event_id, second.waiting, second.wish) == ("b", None, _wish("b"))
    assert [each.record.event_id for each in ledger.in_order("b", 9)] == ["c"]
    assert ledger.booked("a") == first
    assert ledger.booked("z") is None
    assert [sha256 for sha256, _ in ledger.needed("", 9)] == [_A, _B]
    assert [sha256 for sha256, _ in ledger.needed(_A, 9)] == [_B]


def test_followers(ledger: SpoolLedger) -> None:
    """What was made of an object later, in the order of adding."""
    ledger.add(_record("first"), None)
    for event_id in ("z", "y"):
        ledger.add(replace(_record(event_id), follows="first"), None)
    assert [each.event_id for each in ledger.followers("first", 9)] == ["z", "y"]
    assert [each.event_id for each in ledger.followers("first", 1)] == ["z"]
    assert ledger.followers("z", 9) == ()
