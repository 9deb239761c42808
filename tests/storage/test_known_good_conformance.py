"""Lists of known good files: one contract for every ledger."""

from __future__ import annotations

import pytest

from sampler.errors import Conflict
from sampler.queue import KnownGoodList, Ledger


def published(number: int) -> KnownGoodList:
    return KnownGoodList(number, f"{number:064x}", b"header %d" % number, b"signature")


def test_none_at_first(ledger: Ledger) -> None:
    """Neither a header nor a piece."""
    assert ledger.known_good() is None
    assert ledger.known_good_piece("0" * 64, 0) is None


def test_a_list_in_pieces(ledger: Ledger) -> None:
    """In their order, and no more of them than there are; an empty list has none."""
    with ledger.transaction():
        ledger.publish_known_good(published(1), iter([b"one", b"two"]))
    assert ledger.known_good() == published(1)
    assert [ledger.known_good_piece(f"{1:064x}", piece) for piece in range(3)] == [b"one", b"two", None]
    with ledger.transaction():
        ledger.publish_known_good(published(2), [])
    assert ledger.known_good() == published(2)
    assert ledger.known_good_piece(f"{2:064x}", 0) is None


def test_the_one_before_stays_for_those_who_are_fetching_it(ledger: Ledger) -> None:
    """And those before it go."""
    for number in (1, 2, 3):
        with ledger.transaction():
            ledger.publish_known_good(published(number), [b"%d" % number])
    assert ledger.known_good() == published(3)
    assert [ledger.known_good_piece(f"{number:064x}", 0) for number in (1, 2, 3)] == [None, b"2", b"3"]


def test_a_number_is_given_once(ledger: Ledger) -> None:
    """Of two operators who publish at the same time one has to do it again."""
    ledger.publish_known_good(published(1), [])
    with pytest.raises(Conflict):
        ledger.publish_known_good(published(1), [])


def test_the_same_list_published_again(ledger: Ledger) -> None:
    """Its pieces are those of the newer one."""
    ledger.publish_known_good(published(1), [b"same"])
    again = KnownGoodList(2, f"{1:064x}", b"again", b"signature")
    ledger.publish_known_good(again, [b"same"])
    assert ledger.known_good() == again
    assert ledger.known_good_piece(f"{1:064x}", 0) == b"same"
