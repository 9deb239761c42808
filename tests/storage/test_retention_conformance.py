"""One suite over every ledger of the queue that keeps what came in no longer than it may, and counts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sampler.errors import Conflict
from sampler.model import Conclusion, TaskState, Verdict
from sampler.queue import Count, Due, Facts, Hold, Kept, Ledger, ReceiptRecord, Rollup, Submission, Task, Upload
from sampler.wire.retention_messages import HoldKind, Part
from sampler.wire.rollup_messages import Dimension

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ONE, TWO = "a" * 64, "b" * 64
POLICY, OTHER_POLICY = "5" * 64, "7" * 64
DAY = NOW.date()


def _after(days: float) -> datetime:
    return NOW + timedelta(days=days)


def submitted(ledger: Ledger, name: str, sizes: dict[str, int] | None = None, *, task: bool = True) -> int:
    """A submission, whole unless it is said otherwise; its number."""
    submission = Submission(name, f"device of {name}", NOW, b"manifest", "bank")
    ledger.add_submission(submission, sizes or {ONE: 5})
    if task:
        ledger.add_task(Task(id=f"t-{name}", submission=name, created=NOW, not_before=NOW))
    with ledger.transaction():
        taken = ledger.take_behind(100)
    return next(each.number for each in taken if each.submission.id == name)


def kept(ledger: Ledger, name: str, *, contents: float, records: float = 100, **values: object) -> Kept:
    """A submission with its time."""
    task = bool(values.pop("task", True))
    sizes = values.pop("sizes", None)
    number = submitted(ledger, name, sizes, task=task)  # type: ignore[arg-type]
    facts = Facts(
        received=NOW,
        device=f"device of {name}",
        tenant="bank",
        reason="detection",
        mime_type="text/plain",
        region="eu",
        scopes=("whole",),
        statement_days=9,
        rules=("A", "B"),
        contents=1,
        bytes=5,
        conclusion=Conclusion.BENIGN,
    )
    made = Kept(number, name, facts, Due(_after(contents), _after(records), "why", "because"), POLICY)
    ledger.put_kept(made)
    return made


def due(ledger: Ledger, part: Part, days: float, *, limit: int = 10) -> list[str]:
    return [each.submission for each in ledger.due(part, _after(days), after=None, limit=limit)]


def hold(kind: HoldKind, target: str, hold_id: str = "h1") -> Hold:
    return Hold(hold_id, kind, target, "a court asks", "lea", NOW)


def test_a_time_comes_back_as_it_was(ledger: Ledger) -> None:
    """Every value of it is kept, and a new one takes its place."""
    made = kept(ledger, "one", contents=1)
    assert ledger.kept(made.number) == made
    later = replace(made, due=replace(made.due, contents=_after(2), contents_why="other"), contents_gone=_after(3))
    ledger.put_kept(later)
    assert ledger.kept(made.number) == later
    assert ledger.kept(made.number + 1) is None


def test_what_is_due_comes_in_its_order(ledger: Ledger) -> None:
    """The longest due first, from its moment on, a page at a time."""
    late, early = kept(ledger, "late", contents=3), kept(ledger, "early", contents=1, records=2)
    assert due(ledger, Part.CONTENTS, 0.99) == []
    assert due(ledger, Part.CONTENTS, 1) == ["early"]
    assert due(ledger, Part.CONTENTS, 9) == ["early", "late"]
    assert due(ledger, Part.RECORDS, 9) == ["early"]
    first = ledger.due(Part.CONTENTS, _after(9), after=None, limit=1)
    behind = ledger.due(Part.CONTENTS, _after(9), after=(early.due.contents, early.number), limit=1)
    assert (first, behind) == ((early,), (late,))


def test_contents_are_due_once_and_whole(ledger: Ledger) -> None:
    """Contents that are destroyed, or still come in, are not due; records are, whatever became of them."""
    gone = kept(ledger, "gone", contents=1, records=1)
    kept(ledger, "coming", contents=1, records=1, task=False)
    ledger.put_kept(replace(gone, contents_gone=_after(1)))
    assert due(ledger, Part.CONTENTS, 2) == []
    assert due(ledger, Part.RECORDS, 2) == ["gone", "coming"]


def test_records_wait_for_their_receipt(ledger: Ledger) -> None:
    """What is still to be signed is not destroyed; its contents may be."""
    kept(ledger, "one", contents=1, records=1)
    ledger.add_receipt_due("one")
    assert [due(ledger, part, 2) for part in Part] == [["one"], []]
    ledger.end_receipt_due("one")
    assert [due(ledger, part, 2) for part in Part] == [["one"], ["one"]]


@pytest.mark.parametrize(
    ("kind", "target"),
    [(HoldKind.SUBMISSION, "one"), (HoldKind.DEVICE, "device of one"), (HoldKind.CONTENT, ONE)],
)
def test_what_is_held_is_not_due(ledger: Ledger, kind: HoldKind, target: str) -> None:
    """As long as a hold is on it; what the hold is not on is due all the same."""
    kept(ledger, "one", contents=1, records=1)
    kept(ledger, "two", contents=1, records=1, sizes={TWO: 5})
    ledger.add_hold(hold(kind, target))
    assert [due(ledger, part, 2) for part in Part] == [["two"], ["two"]]
    ledger.put_hold(replace(hold(kind, target), lifted_by="max", lifted=_after(1)))
    assert [due(ledger, part, 2) for part in Part] == [["one", "two"], ["one", "two"]]


def test_many_holds_keep_nothing_else_waiting(ledger: Ledger) -> None:
    """A page is full of what can go, however much before it is held."""
    for number in range(5):
        kept(ledger, f"held {number}", contents=1, sizes={TWO: 5})
    kept(ledger, "free", contents=2)
    ledger.add_hold(hold(HoldKind.CONTENT, TWO))
    assert due(ledger, Part.CONTENTS, 3, limit=2) == ["free"]


def test_holds_come_back_as_they_were(ledger: Ledger) -> None:
    """The newest first, those that were lifted where they are asked for, each under an identifier of its own."""
    first, second = hold(HoldKind.DEVICE, "d", "h1"), hold(HoldKind.CONTENT, ONE, "h2")
    ledger.add_hold(first)
    ledger.add_hold(second)
    assert ledger.holds(lifted=False, limit=9) == (second, first)
    lifted = replace(second, lifted_by="max", lifted=_after(1))
    ledger.put_hold(lifted)
    assert ledger.holds(lifted=False, limit=9) == (first,)
    assert ledger.holds(lifted=True, limit=9) == (lifted, first)
    assert (ledger.hold("h2"), ledger.hold("h3")) == (lifted, None)
    with pytest.raises(Conflict):
        ledger.add_hold(first)


def test_times_by_other_rules_are_found(ledger: Ledger) -> None:
    """Whichever way their digests sort; none once all are by these."""
    one, two, three = (kept(ledger, name, contents=1) for name in ("one", "two", "three"))
    ledger.put_kept(replace(two, policy=OTHER_POLICY))
    ledger.put_kept(replace(three, policy="0" * 64))
    assert {each.submission for each in ledger.kept_by_others(POLICY, 9)} == {"two", "three"}
    assert len(ledger.kept_by_others(POLICY, 1)) == 1
    assert {each.submission for each in ledger.kept_by_others(OTHER_POLICY, 9)} == {"one", "three"}
    ledger.put_kept(replace(two, policy=POLICY))
    ledger.put_kept(replace(three, policy=POLICY))
    assert ledger.kept_by_others(POLICY, 9) == ()
    assert ledger.kept(one.number) == one


def test_rules_stand_from_when_they_were_first_seen(ledger: Ledger) -> None:
    """Seeing them again changes nothing; other ones begin anew, and so do the first when they come back."""
    assert ledger.note_policy(POLICY, NOW) == NOW
    assert ledger.note_policy(POLICY, _after(1)) == NOW
    assert ledger.note_policy(OTHER_POLICY, _after(2)) == _after(2)
    assert ledger.note_policy(POLICY, _after(3)) == _after(3)


def test_names_of_what_is_to_be_destroyed(ledger: Ledger) -> None:
    """Each is noted once, until it is gone."""
    ledger.add_doomed((TWO, ONE))
    ledger.add_doomed((ONE,))
    assert (ledger.doomed(9), ledger.doomed(1)) == ((ONE, TWO), (ONE,))
    ledger.remove_doomed(ONE)
    ledger.remove_doomed(ONE)
    assert ledger.doomed(9) == (TWO,)


def test_released_contents_are_offered_no_more(ledger: Ledger) -> None:
    """The submission stays, and another one's offer too."""
    kept(ledger, "one", contents=1)
    kept(ledger, "two", contents=1)
    ledger.release_contents("one")
    assert (ledger.offered("one"), ledger.offered("two"), ledger.missing("one")) == ((), (ONE,), ())
    assert ledger.submission("one") is not None


def test_an_ended_submission_leaves_its_receipt(ledger: Ledger) -> None:
    """Manifest, task, verdicts, uploads, offer, time and all that it is found by go; the receipt and its log stay."""
    made = kept(ledger, "one", contents=1)
    ledger.put_terms(made.number, {7})
    ledger.add_upload(Upload("u1", "one", "d1", ONE, 5, _after(1)))
    ledger.add_verdict("d1", "one", Verdict(Conclusion.BENIGN, 1, "lab", NOW))
    receipt = ReceiptRecord(0, "one", "d1", b"document", b"signature")
    ledger.add_receipt(receipt, {(0, 0): b"leaf"})
    assert ledger.is_kept_on(DAY, "bank")
    with ledger.transaction():
        assert ledger.end_submission("one") == ("u1",)
    ended = ledger.submission("one")
    assert ended is not None
    assert (ended.manifest, ledger.task_of("one"), ledger.offered("one")) == (b"", None, ())
    assert (ledger.upload("u1"), ledger.verdicts("d1", 0, 9), ledger.kept(made.number)) == (None, (), None)
    assert ledger.candidates((7,), least=0, below=2**62, limit=9, reads=9).numbers == ()
    assert (ledger.receipt("one"), ledger.log_size(), ledger.behind(9)) == (receipt, 1, 0)
    assert not ledger.is_kept_on(DAY, "bank")


def test_a_recalled_submission_waits_for_nothing(ledger: Ledger) -> None:
    """Erasing it takes its time away too."""
    made = kept(ledger, "one", contents=1)
    ledger.erase_submission("one")
    assert ledger.kept(made.number) is None
    assert [due(ledger, part, 999) for part in Part] == [[], []]


def _cell(label: str = "A", *, day: date = DAY, tenant: str = "bank", by: Dimension = Dimension.RULE) -> Rollup:
    return Rollup(day, tenant, by, label)


def test_counts_add_up(ledger: Ledger) -> None:
    """Each cell by itself; what comes to nothing is not there."""
    ledger.add_rollup({_cell("A"): Count(1, 10), _cell("B"): Count(1, 10)})
    ledger.add_rollup({_cell("A"): Count(2, 5), _cell("B"): Count(-1, -10)})
    assert ledger.rollup_cells(DAY, "bank") == {_cell("A"): Count(3, 15)}
    assert (ledger.rollup_count(DAY, "bank"), ledger.rollup_count(DAY, "other")) == (1, 0)
    assert ledger.rollups_there((_cell("A"), _cell("B"))) == {_cell("A")}
    assert ledger.rollups_there(()) == frozenset()


def test_counts_are_read_by_day_tenant_and_dimension(ledger: Ledger) -> None:
    """In their order, both days included, as many as are asked for."""
    later = DAY + timedelta(days=2)
    cells = [_cell("A"), _cell("x", by=Dimension.TYPE), _cell("A", tenant="shop"), _cell("A", day=later)]
    ledger.add_rollup({cell: Count(1, 1) for cell in cells})

    def read(since: date = DAY, until: date = later, **narrowed: object) -> list[Rollup]:
        found = ledger.rollups(since, until, **{"tenant": None, "dimension": None, "limit": 9, **narrowed})  # type: ignore[arg-type]
        return list(found)

    assert read() == cells
    assert read(until=DAY) == cells[:3]
    assert read(since=later) == cells[3:]
    assert read(tenant="shop") == cells[2:3]
    assert read(dimension=Dimension.TYPE) == cells[1:2]
    assert read(limit=2) == cells[:2]


def test_a_task_that_is_cancelled_leaves_its_submission_whole(ledger: Ledger) -> None:
    """A submission whose task has ended without a verdict still is one that contents can be given up of."""
    kept(ledger, "one", contents=1)
    task = ledger.task_of("one")
    assert task is not None
    ledger.put_task(replace(task, state=TaskState.CANCELLED))
    assert due(ledger, Part.CONTENTS, 2) == ["one"]
