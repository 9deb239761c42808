"""One suite over every ledger of the queue that finds submissions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sampler.model import TaskState
from sampler.queue import Behind, Candidates, Ledger, Submission, Task

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ANY = 2**63 - 1
TERM, RARE, LARGE = 7, 8, 2**63 - 1


def submitted(ledger: Ledger, name: str, *, minutes: int = 0) -> Submission:
    submission = Submission(name, "d1", NOW + timedelta(minutes=minutes), b"manifest of " + name.encode(), "bank")
    ledger.add_submission(submission, {})
    return submission


def with_task(ledger: Ledger, submission: Submission) -> Task:
    task = Task(id=f"t-{submission.id}", submission=submission.id, created=NOW, not_before=NOW)
    ledger.add_task(task)
    return task


def taken(ledger: Ledger, limit: int = 100) -> tuple[Behind, ...]:
    with ledger.transaction():
        return ledger.take_behind(limit)


def looked(
    ledger: Ledger, *terms: int, least: int = 0, below: int = ANY, limit: int = 10, reads: int = 100
) -> Candidates:
    return ledger.candidates(terms, least=least, below=below, limit=limit, reads=reads)


def test_what_comes_in_is_on_the_list_once(ledger: Ledger) -> None:
    """Each submission is taken off the list whole, in the order in which they came, and stays off."""
    one, two, three = (submitted(ledger, name) for name in ("one", "two", "three"))
    assert (ledger.behind(2), ledger.behind(100)) == (2, 3)
    first, rest = taken(ledger, 1), taken(ledger)
    assert [(each.submission, each.whole) for each in first + rest] == [(one, True), (two, True), (three, True)]
    numbers = [each.number for each in first + rest]
    assert numbers == sorted(set(numbers))
    assert (ledger.behind(100), taken(ledger)) == (0, ())


def test_whatever_moves_on_is_on_the_list_again(ledger: Ledger) -> None:
    """A task that is added or changed puts its submission on the list, and what is on it whole stays whole."""
    one, two = submitted(ledger, "one"), submitted(ledger, "two")
    task = with_task(ledger, two)
    assert [(each.submission, each.whole) for each in taken(ledger)] == [(one, True), (two, True)]
    ledger.put_task(replace(task, state=TaskState.DEAD))
    ledger.put_task(replace(task, state=TaskState.DEAD, failure="why"))
    assert [(each.submission, each.whole) for each in taken(ledger)] == [(two, False)]


def test_an_undone_transaction_takes_nothing_off_the_list(ledger: Ledger) -> None:
    """What was taken off is on the list again when the transaction is undone."""
    submitted(ledger, "one")

    class Interrupted(Exception):
        pass

    try:
        with ledger.transaction():
            assert len(ledger.take_behind(5)) == 1
            raise Interrupted
    except Interrupted:
        pass
    assert ledger.behind(5) == 1


def test_terms_are_met_all_at_once(ledger: Ledger) -> None:
    """Candidates have every term, the newest first; a term that is not there has none."""
    for name in ("one", "two", "three"):
        submitted(ledger, name)
    one, two, three = (each.number for each in taken(ledger))
    ledger.put_terms(one, {TERM, LARGE})
    ledger.put_terms(two, {TERM})
    ledger.put_terms(three, {TERM, RARE, LARGE})
    assert looked(ledger, TERM) == Candidates((three, two, one), None)
    assert looked(ledger, TERM, LARGE) == Candidates((three, one), None)
    assert looked(ledger, RARE, TERM, LARGE) == Candidates((three,), None)
    assert looked(ledger, 99, TERM) == Candidates((), None)
    assert looked(ledger) == Candidates((three, two, one), None)


def test_putting_terms_again_changes_nothing_and_outdated_ones_go(ledger: Ledger) -> None:
    """A submission keeps the terms that it has, and loses those that are named."""
    submitted(ledger, "one")
    (one,) = (each.number for each in taken(ledger))
    ledger.put_terms(one, {TERM, RARE})
    ledger.put_terms(one, {TERM, LARGE}, instead_of={RARE, 5})
    assert [looked(ledger, each).numbers for each in (TERM, RARE, LARGE)] == [(one,), (), (one,)]


def test_a_look_is_bounded_and_goes_on(ledger: Ledger) -> None:
    """It yields no more than is asked, reads no more than it may, and says below which number to go on."""
    for number in range(6):
        submitted(ledger, f"s{number}")
    numbers = [each.number for each in taken(ledger)]
    for number in numbers:
        ledger.put_terms(number, {TERM})
    assert looked(ledger, TERM, limit=2) == Candidates((numbers[5], numbers[4]), numbers[4])
    assert looked(ledger, TERM, below=numbers[4], limit=9) == Candidates(tuple(numbers[3::-1]), None)
    assert looked(ledger, TERM, least=numbers[2], below=numbers[4]) == Candidates((numbers[3], numbers[2]), None)
    assert looked(ledger, limit=9, reads=4) == Candidates(tuple(numbers[5:1:-1]), numbers[2])


def test_frequent_terms_that_never_meet_are_read_in_pieces(ledger: Ledger) -> None:
    """A look that has read as much as it may yields nothing and goes on, to the end."""
    for number in range(6):
        submitted(ledger, f"s{number}")
    numbers = [each.number for each in taken(ledger)]
    for number in numbers:
        ledger.put_terms(number, {TERM if number % 2 else RARE})
    looks, below = 0, ANY
    while True:
        found = looked(ledger, TERM, RARE, below=below, reads=2)
        assert found.numbers == ()
        looks += 1
        if found.reached is None:
            break
        assert found.reached < below
        below = found.reached
    assert looks <= 4


def test_submissions_come_back_by_their_numbers(ledger: Ledger) -> None:
    """The newest first; a number that nothing has yields nothing."""
    one, two = submitted(ledger, "one"), submitted(ledger, "two")
    first, second = (each.number for each in taken(ledger))
    assert [each.submission for each in ledger.numbered((first, second, 999))] == [two, one]
    assert ledger.numbered(()) == ()


def test_the_first_number_from_a_moment_on(ledger: Ledger) -> None:
    """A moment is turned into the number of the first submission that came then or later."""
    for minutes in (0, 10, 20):
        submitted(ledger, f"at {minutes}", minutes=minutes)
    numbers = [each.number for each in taken(ledger)]
    found = [ledger.number_at(NOW + timedelta(minutes=minutes)) for minutes in (-5, 0, 1, 20, 21)]
    assert found == [numbers[0], numbers[0], numbers[1], numbers[2], None]


def test_digests_are_found_under_their_bands(ledger: Ledger) -> None:
    """A digest stands under each of its bands, once for all submissions that have it."""
    for name in ("one", "two", "three"):
        submitted(ledger, name)
    one, two, three = (each.number for each in taken(ledger))
    ledger.put_digest(one, "A", (1, 2))
    ledger.put_digest(two, "A", (1, 2))
    ledger.put_digest(three, "B", (2, 3))
    assert [ledger.digests_under(bands, 10) for bands in ((1,), (2,), (3, 4), (4,), ())] == [
        {"A"}, {"A", "B"}, {"B"}, set(), set(),
    ]  # fmt: skip
    assert len(ledger.digests_under((1, 2, 3), 1)) == 1


def test_an_erased_submission_is_found_by_nothing(ledger: Ledger) -> None:
    """Terms, list and digest go with it; a digest that another one has stays."""
    one, two = submitted(ledger, "one"), submitted(ledger, "two")
    first, second = (each.number for each in taken(ledger))
    with_task(ledger, one)
    for number, digest in ((first, "A"), (second, "A")):
        ledger.put_terms(number, {TERM})
        ledger.put_digest(number, digest, (1,))
    ledger.erase_submission(one.id)
    assert (looked(ledger, TERM).numbers, ledger.behind(9)) == ((second,), 0)
    assert ledger.digests_under((1,), 9) == {"A"}
    ledger.erase_submission(two.id)
    assert (looked(ledger, TERM).numbers, ledger.digests_under((1,), 9)) == ((), frozenset())
