"""What waits is worth, and ends that the spool decides: every ledger of the spool does the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.model import Content, ObjectRecord, ObjectState, Reason, Scope, StatementRef, Waiting
from sampler.spool import Ended, Group, NeededContent, Resident, SpoolLedger, Wish, Worth
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.storage.sqlite_spool import SqliteSpoolLedger

_NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_A, _B = Content("a" * 64, 1000, 0), Content("b" * 64, 50_000, 0)
_MANIFEST = b'{"m": 1}'
_HIGH, _LOW = Worth("trojan", 90), Worth("adware", 10)


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SpoolLedger]:
    """Each of them in turn."""
    made: SpoolLedger = (
        MemorySpoolLedger() if request.param == "memory" else SqliteSpoolLedger(tmp_path / "ledger.sqlite")
    )
    yield made
    made.close()


def _add(
    ledger: SpoolLedger,
    event_id: str,
    *contents: Content,
    worth: Worth = _LOW,
    state: ObjectState = ObjectState.SPOOLED,
    created: datetime = _NOW,
) -> None:
    record = ObjectRecord(event_id, state, created, created, 0, Reason.DETECTION)
    statement = StatementRef("basic", 2, "c" * 64)
    waiting = Waiting(event_id, _MANIFEST, contents, frozenset({Scope.WHOLE}), statement, 0)
    assert ledger.add(record, waiting, worth)


def _ended(event_id: str, state: ObjectState = ObjectState.EVICTED, at: datetime = _NOW + _SECOND) -> Ended:
    return Ended(event_id, state, "room", "it was full", at)


def test_who_could_go(ledger: SpoolLedger) -> None:
    """What waits for delivery comes with everything that it is weighed by, the one of least worth first."""
    _add(ledger, "1", _A, worth=_HIGH)
    _add(ledger, "2", _A, _B, worth=_LOW)
    _add(ledger, "3", worth=_LOW)
    _add(ledger, "4", worth=_LOW, state=ObjectState.HELD)
    residents = ledger.evictable(9)
    assert [each.event_id for each in residents] == ["2", "3", "1"]
    assert residents[0].worth == _LOW
    assert residents[0].manifest_bytes == len(_MANIFEST)
    assert residents[0].contents == (NeededContent(_A.sha256, 1000, 2), NeededContent(_B.sha256, 50_000, 1))
    assert [each.event_id for each in ledger.evictable(1)] == ["2"]
    assert residents[2].number < residents[0].number < residents[1].number


def test_of_the_same_worth_the_last_goes_first(ledger: SpoolLedger) -> None:
    """The order is that of delivery, backwards."""
    for event_id in ("2", "1", "3"):
        _add(ledger, event_id, _A)
    assert [each.event_id for each in ledger.evictable(9)] == ["3", "1", "2"]


def test_what_may_be_at_the_queue_does_not_go(ledger: SpoolLedger) -> None:
    """An upload that was begun keeps an object, and an attempt one that is all in its manifest."""
    for event_id in ("1", "2", "3"):
        _add(ledger, event_id, _A, _B)
    for event_id in ("4", "5"):
        _add(ledger, event_id)
    for event_id in ("2", "4"):
        ledger.postpone(event_id, _NOW, detail="no answer", now=_NOW)
    ledger.remember_upload("3", _A.sha256, "")
    assert sorted(each.event_id for each in ledger.evictable(9)) == ["1", "2", "5"]


def test_whose_it_is(ledger: SpoolLedger) -> None:
    """Bytes, number, worst and oldest by group, of what waits for delivery; and how many there ever were."""
    _add(ledger, "1", _A, worth=_LOW, created=_NOW + _SECOND)
    _add(ledger, "2", _A, worth=Worth("adware", 40))
    _add(ledger, "3", _B, worth=_HIGH)
    _add(ledger, "4", _B, worth=_HIGH, state=ObjectState.HELD)
    size = len(_MANIFEST)
    assert ledger.groups() == (
        Group("trojan", 1, 50_000 + size, 90, _NOW),
        Group("adware", 2, 2 * (1000 + size), 40, _NOW),
    )
    ledger.finish("1", ObjectState.DELIVERED, detail="", sent_bytes=0, now=_NOW)
    ledger.take_back("3", Wish("3", "person", _NOW), detail="", now=_NOW)
    assert ledger.groups() == (Group("adware", 1, 1000 + size, 40, _NOW),)
    assert ledger.seen() == {"adware": 2, "trojan": 1}


def test_what_a_person_approved_is_weighed_from_then_on(ledger: SpoolLedger) -> None:
    """A held object counts for nobody before it is released."""
    _add(ledger, "1", state=ObjectState.HELD)
    assert (ledger.groups(), ledger.seen(), ledger.evictable(9)) == ((), {}, ())
    later = _NOW + timedelta(days=2)
    record = ObjectRecord("1", ObjectState.SPOOLED, _NOW, later, 0, Reason.DETECTION)
    waiting = Waiting("1", _MANIFEST, (_A,), frozenset(), StatementRef("basic", 2, "c" * 64), 0)
    ledger.live(100)
    assert ledger.release(record, waiting, _HIGH)
    assert ledger.groups() == (Group("trojan", 1, 1000 + len(_MANIFEST), 90, later),)
    assert (ledger.seen(), ledger.overdue(1, 9), ledger.overdue(0, 9)) == ({"trojan": 1}, (), ("1",))


def test_ending_together(ledger: SpoolLedger) -> None:
    """Those that wait for delivery end in one step with their contents; all others stay as they are."""
    _add(ledger, "1", _A)
    _add(ledger, "2", _A, _B)
    _add(ledger, "3", state=ObjectState.HELD)
    _add(ledger, "4")
    ledger.finish("4", ObjectState.DELIVERED, detail="done", sent_bytes=0, now=_NOW)
    departed = ledger.end_all([_ended(event_id) for event_id in ("2", "1", "3", "4", "unknown")])
    assert (departed.event_ids, departed.contents) == (("2", "1"), (_A.sha256, _B.sha256))
    record = ledger.get("1")
    assert record is not None
    assert (record.state, record.detail, record.updated) == (ObjectState.EVICTED, "it was full", _NOW + _SECOND)
    assert ledger.counts() == {ObjectState.EVICTED: 2, ObjectState.HELD: 1, ObjectState.DELIVERED: 1}
    assert (ledger.due(_NOW, 9), ledger.next_due(), ledger.evictable(9), ledger.groups()) == ((), None, (), ())
    assert ledger.end_all([_ended("1")]).event_ids == ()


def test_ends_are_remembered_until_they_are_told(ledger: SpoolLedger) -> None:
    """Every value of an end comes back, the oldest first, until it was told."""
    for event_id in ("1", "2", "3"):
        _add(ledger, event_id)
    ends = [_ended("1", at=_NOW + 2 * _SECOND), _ended("2", ObjectState.EXPIRED), _ended("3", at=_NOW + 3 * _SECOND)]
    ledger.end_all(ends)
    assert ledger.untold(9) == (ends[1], ends[0], ends[2])
    assert ledger.untold(1) == (ends[1],)
    ledger.told(["1", "2"])
    assert ledger.untold(9) == (ends[2],)
    ledger.told(["3", "unknown"])
    assert ledger.untold(9) == ()


def test_ages(ledger: SpoolLedger) -> None:
    """An object is as old as the time at work since it came; the oldest comes first."""
    _add(ledger, "1")
    ledger.live(60)
    _add(ledger, "2")
    _add(ledger, "3", state=ObjectState.HELD)
    ledger.live(40)
    assert ledger.overdue(101, 9) == ()
    assert ledger.overdue(100, 9) == ("1",)
    assert ledger.overdue(40, 9) == ("1", "2")
    assert ledger.overdue(40, 1) == ("1",)


def test_trying_again(ledger: SpoolLedger) -> None:
    """What would be due later is due now: those that are named, or all; what is due already is not counted."""
    for event_id in ("1", "2", "3"):
        _add(ledger, event_id)
    ledger.postpone("1", _NOW + 9 * _SECOND, detail="", now=_NOW)
    ledger.postpone("2", _NOW + 9 * _SECOND, detail="", now=_NOW)
    assert ledger.make_due(["1", "3", "unknown"], _NOW + _SECOND) == 1
    assert [each.event_id for each in ledger.due(_NOW + _SECOND, 9)] == ["1", "3"]
    assert ledger.make_due(None, _NOW + _SECOND) == 1
    assert ledger.make_due(None, _NOW + _SECOND) == 0
    assert [each.event_id for each in ledger.due(_NOW + _SECOND, 9)] == ["1", "2", "3"]


def _waiting(number: int) -> Waiting:
    contents = ((), (_A,), (_A, _B))[number % 3]
    return Waiting(str(number), _MANIFEST, contents, frozenset(), StatementRef("basic", 2, "c" * 64), 0)


def _record(number: int, state: ObjectState) -> ObjectRecord:
    return ObjectRecord(str(number), state, _NOW, _NOW, 0, Reason.DETECTION)


_DO: dict[str, Callable[[SpoolLedger, int, Worth], object]] = {
    "add": lambda ledger, n, worth: ledger.add(_record(n, ObjectState.SPOOLED), _waiting(n), worth),
    "hold": lambda ledger, n, worth: ledger.add(_record(n, ObjectState.HELD), _waiting(n), worth),
    "release": lambda ledger, n, worth: ledger.release(_record(n, ObjectState.SPOOLED), _waiting(n), worth),
    "end": lambda ledger, n, _: ledger.end_all([_ended(str(n))]),
    "finish": lambda ledger, n, _: ledger.finish(str(n), ObjectState.DELIVERED, detail="", sent_bytes=0, now=_NOW),
    "postpone": lambda ledger, n, _: ledger.postpone(str(n), _NOW + n * _SECOND, detail="", now=_NOW),
    "upload": lambda ledger, n, _: ledger.remember_upload(str(n), _A.sha256, "https://queue/1"),
    "live": lambda ledger, n, _: ledger.live(n),
    "tell": lambda ledger, n, _: ledger.told([str(n)]),
    "retry": lambda ledger, n, _: ledger.make_due(None, _NOW + n * _SECOND),
}
_STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(_DO)), st.integers(0, 5), st.sampled_from([_HIGH, _LOW])), max_size=25
)


def _without_numbers(residents: tuple[Resident, ...]) -> list[tuple[str, Worth, int, tuple[NeededContent, ...]]]:
    return [(each.event_id, each.worth, each.manifest_bytes, each.contents) for each in residents]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(steps=_STEPS)
def test_both_agree_after_anything(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, Worth]]
) -> None:
    """Whatever is done, in whatever order, the one in memory and the durable one say the same."""
    memory, durable = MemorySpoolLedger(), SqliteSpoolLedger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    ledgers: tuple[SpoolLedger, SpoolLedger] = (memory, durable)
    for step, number, worth in steps:
        one, other = (_DO[step](ledger, number, worth) for ledger in ledgers)
        assert one == other
    one_view, other_view = (
        (
            _without_numbers(ledger.evictable(9)),
            ledger.groups(),
            ledger.seen(),
            ledger.overdue(2, 9),
            ledger.untold(9),
            ledger.due(_NOW + 9 * _SECOND, 9),
            ledger.used_bytes(),
        )
        for ledger in ledgers
    )
    assert one_view == other_view
    durable.close()
