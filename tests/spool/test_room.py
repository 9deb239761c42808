"""A full spool: who gets in, who goes, and that each end is told, once at least, whatever happens in between."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sampler.errors import JournalError, SpoolError, SpoolFull
from sampler.limits import MIB
from sampler.model import Content, ObjectState
from sampler.spool import Ended, Spool, Worth

LOW, HIGH = Worth("adware", 10), Worth("trojan", 90)
DAY = timedelta(days=1)


class Book:
    """Stands for the journal."""

    def __init__(self) -> None:
        self.ends: list[Ended] = []
        self.failures = 0

    def __call__(self, end: Ended) -> None:
        if self.failures:
            self.failures -= 1
            raise JournalError("the journal cannot be written")
        self.ends.append(end)

    @property
    def told(self) -> list[tuple[str, ObjectState, str]]:
        return [(end.event_id, end.state, end.why) for end in self.ends]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def small(open_spool: Callable[..., Spool], book: Book) -> Spool:
    """A spool with room for three objects of a MiB, and some."""
    return open_spool(max_bytes=3 * MIB + MIB // 2, on_ended=book)


def put(spool: Spool, thing: Any, worth: Worth, size: int = MIB) -> str:
    event_id: str = thing(os.urandom(size)).put_into(spool, worth)
    return event_id


def states(spool: Spool, *event_ids: str) -> list[ObjectState | None]:
    return [record.state if (record := spool.get(each)) else None for each in event_ids]


def test_what_is_worth_less_makes_room(small: Spool, thing: Any, files: Any, book: Book, now: datetime) -> None:
    """The least worthy one ends as evicted, with its reason; it is told, its bytes are gone, the others stay."""
    kept, low, high = put(small, thing, HIGH), put(small, thing, LOW), put(small, thing, HIGH)
    newcomer = put(small, thing, HIGH)
    assert states(small, kept, low, high, newcomer) == [
        ObjectState.SPOOLED,
        ObjectState.EVICTED,
        ObjectState.SPOOLED,
        ObjectState.SPOOLED,
    ]
    assert book.told == [(low, ObjectState.EVICTED, "room")]
    record = small.get(low)
    assert record is not None
    assert "worth less" in record.detail
    assert record.updated == now
    assert len(files()) == 3
    assert {waiting.event_id for waiting in small.pending(now, 10)} == {kept, high, newcomer}


def test_who_is_worth_less_does_not_get_in(small: Spool, thing: Any, book: Book) -> None:
    """A full spool of graver finds refuses what is worth less, as it always did, and none of them goes."""
    graver = [put(small, thing, HIGH) for _ in range(3)]
    with pytest.raises(SpoolFull, match=r"spool\.max_bytes"):
        put(small, thing, LOW)
    assert states(small, *graver) == [ObjectState.SPOOLED] * 3
    assert book.ends == []


def test_what_cannot_fit_drives_nobody_out(small: Spool, thing: Any, book: Book) -> None:
    """An object larger than the whole spool is refused, and nobody goes for it."""
    low = put(small, thing, LOW)
    with pytest.raises(SpoolFull):
        put(small, thing, Worth("trojan", 100), size=8 * MIB)
    assert (states(small, low), book.ends) == ([ObjectState.SPOOLED], [])


def test_what_may_be_on_its_way_stays(small: Spool, thing: Any, book: Book, now: datetime) -> None:
    """What was handed out for delivery, and what has begun to travel, does not make room for anybody."""
    begun, lent = put(small, thing, LOW, size=MIB), put(small, thing, LOW, size=2 * MIB)
    small.pending(now, 2)
    small.remember_upload(begun, next(iter(small.booked(begun).waiting.contents)).sha256, "")  # type: ignore[union-attr]
    small.postpone(begun, now + DAY, detail="no answer", now=now)
    with pytest.raises(SpoolFull):
        put(small, thing, HIGH)
    assert book.ends == []
    assert states(small, begun, lent) == [ObjectState.SPOOLED] * 2


def test_what_was_tried_in_vain_goes(small: Spool, thing: Any, now: datetime) -> None:
    """A queue that is away, or hours in which nothing large travels, keep no object for ever: its bytes never left."""
    low = put(small, thing, LOW, size=3 * MIB)
    for waiting in small.pending(now, 10):
        small.postpone(waiting.event_id, now, detail="no answer", now=now)
    put(small, thing, HIGH)
    assert states(small, low) == [ObjectState.EVICTED]


def test_a_shared_content_stays_for_the_other(small: Spool, thing: Any, files: Any, now: datetime) -> None:
    """Of two objects with the same bytes one may go, and the other still has them."""
    shared = os.urandom(MIB)
    kept, low = thing(shared), thing(shared)
    kept.put_into(small, HIGH)
    low.put_into(small, LOW)
    put(small, thing, HIGH)
    newcomers = [put(small, thing, Worth("trojan", 100), size=MIB)]
    assert states(small, kept.event_id, *newcomers) == [ObjectState.SPOOLED] * 2
    for content in kept.contents:
        with small.open_content(content.sha256) as file:
            assert file.read() == shared
    assert len(files()) == 3


def test_who_goes_does_not_take_the_newcomers_content_along(small: Spool, thing: Any, files: Any) -> None:
    """An object that ends for another leaves the bytes that both need, and they are not written twice."""
    shared = os.urandom(MIB)
    low = thing(shared + os.urandom(2 * MIB), [(0, MIB), (MIB, 2 * MIB)])
    low.put_into(small, LOW)
    newcomer = thing(shared + os.urandom(2 * MIB), [(0, MIB), (MIB, 2 * MIB)])
    read: list[int] = []

    def reading(content: Content) -> Any:
        read.append(content.offset)
        return newcomer.read(content)

    small.put(newcomer.record, newcomer.parcel, newcomer.manifest, reading, worth=HIGH)
    assert states(small, low.event_id, newcomer.event_id) == [ObjectState.EVICTED, ObjectState.SPOOLED]
    assert read == [MIB]
    assert files() == sorted(content.sha256 for content in newcomer.contents)


def test_the_newcomers_own_content_is_no_room(small: Spool, thing: Any, now: datetime) -> None:
    """Nobody is driven out for bytes that the newcomer brings along itself: they are there already and stay."""
    shared = os.urandom(3 * MIB)
    thing(shared).put_into(small, LOW)
    assert thing(shared).put_into(small, HIGH)
    assert small.counts() == {ObjectState.SPOOLED: 2}


def test_the_reserve_is_made_by_evicting(open_spool: Callable[..., Spool], thing: Any, book: Book) -> None:
    """What the owner wants free on the disk is made free where something of less worth lies there."""
    spool = open_spool(on_ended=book)
    low = put(spool, thing, LOW, size=4 * MIB)
    fill = spool.upkeep.standing().fill
    tight = replace(fill, free_bytes=MIB)
    spool._room.fill = lambda: tight if not book.ends else replace(tight, free_bytes=5 * MIB)  # type: ignore[method-assign]
    spool._room._quota = replace(spool._room._quota, reserve_bytes=2 * MIB)
    newcomer = put(spool, thing, HIGH)
    assert book.told == [(low, ObjectState.EVICTED, "room")]
    assert states(spool, newcomer) == [ObjectState.SPOOLED]


def test_an_end_that_could_not_be_told_is_told_later(
    open_spool: Callable[..., Spool], small: Spool, thing: Any, book: Book
) -> None:
    """A journal that fails loses no end: it has happened, and the next look or the next process tells it."""
    low = put(small, thing, LOW, size=3 * MIB)
    book.failures = 1
    with pytest.raises(JournalError):
        put(small, thing, HIGH)
    assert states(small, low) == [ObjectState.EVICTED]
    assert small.upkeep.standing().untold == 1
    small.close()
    again = open_spool(on_ended=book)
    again.upkeep.tell()
    again.upkeep.tell()
    assert book.told == [(low, ObjectState.EVICTED, "room")]
    assert again.upkeep.standing().untold == 0


def test_a_newcomer_whose_bytes_are_wrong_leaves_room(small: Spool, thing: Any) -> None:
    """Room that was made for something that then failed is there for the next."""
    for _ in range(3):
        put(small, thing, LOW)
    bad = thing(os.urandom(MIB))
    with pytest.raises(SpoolError):
        small.put(bad.record, bad.parcel, bad.manifest, lambda _: [b"other"], worth=HIGH)
    assert put(small, thing, LOW)


def test_expiry_counts_the_time_at_work(
    open_spool: Callable[..., Spool], thing: Any, files: Any, book: Book, now: datetime
) -> None:
    """What waited so long while the spool was at work expires; a clock that jumps, and held objects, end nothing."""
    spool = open_spool(on_ended=book)
    old = put(spool, thing, HIGH)
    held = thing(b"held", state=ObjectState.HELD).put_into(spool)
    assert spool.upkeep.expire(now + 400 * DAY, 30 * DAY) == 0
    spool.upkeep.live(29 * 86_400)
    young = put(spool, thing, HIGH)
    spool.upkeep.live(86_400)
    assert spool.upkeep.expire(now + DAY, 30 * DAY) == 1
    assert states(spool, old, held, young) == [ObjectState.EXPIRED, ObjectState.HELD, ObjectState.SPOOLED]
    assert book.told == [(old, ObjectState.EXPIRED, "age")]
    record = spool.get(old)
    assert record is not None
    assert (record.detail, record.updated) == ("it waited for delivery for 30 days", now + DAY)
    assert len(files()) == 2


def test_expiry_leaves_alone_what_is_being_delivered(spool: Spool, thing: Any, now: datetime) -> None:
    """An attempt under way is not ended behind its back; after it the object is as old as it is."""
    event_id = put(spool, thing, HIGH)
    spool.pending(now, 1)
    spool.upkeep.live(100 * 86_400)
    assert spool.upkeep.expire(now, 30 * DAY) == 0
    spool.postpone(event_id, now, detail="busy", now=now)
    assert spool.upkeep.expire(now, 30 * DAY) == 1


def test_purging(open_spool: Callable[..., Spool], thing: Any, files: Any, book: Book, now: datetime) -> None:
    """A person takes out what waits for delivery, by name; what is under way, or does not wait, is left alone."""
    spool = open_spool(on_ended=book)
    lent = put(spool, thing, LOW)
    spool.pending(now, 1)
    gone = put(spool, thing, LOW)
    held = thing(b"held", state=ObjectState.HELD).put_into(spool)
    assert spool.upkeep.purge([lent, gone, held, "unknown"], "root", now) == (gone,)
    assert states(spool, lent, gone, held) == [ObjectState.SPOOLED, ObjectState.EVICTED, ObjectState.HELD]
    assert [(end.event_id, end.why, end.detail) for end in book.ends] == [
        (gone, "person", "root took it out of the spool")
    ]
    assert len(files()) == 2
    assert spool.upkeep.purge([gone], "root", now) == ()


def test_trying_again_at_once(spool: Spool, thing: Any, now: datetime) -> None:
    """What was put off is due now, all of it or by name; what has ended stays so."""
    events = [put(spool, thing, LOW, size=10) for _ in range(3)]
    for event_id in events[:2]:
        spool.postpone(event_id, now + DAY, detail="busy", now=now)
    spool.finish(events[2], ObjectState.DELIVERED, detail="", sent_bytes=0, now=now)
    assert spool.pending(now, 10) == ()
    assert spool.upkeep.retry([events[1], events[2]], now) == 1
    assert [waiting.event_id for waiting in spool.pending(now, 10)] == [events[1]]
    assert spool.upkeep.retry(None, now) == 1
    assert len(spool.pending(now, 10)) == 2


def test_how_it_stands(small: Spool, thing: Any, now: datetime) -> None:
    """What waits is shown by whose it is, the greatest first, with the worst of it."""
    put(small, thing, Worth("adware", 10), size=1000)
    put(small, thing, Worth("adware", 40), size=1000)
    put(small, thing, Worth("trojan", 90), size=MIB)
    standing = small.upkeep.standing()
    assert [(group.name, group.objects, group.severity, group.since) for group in standing.groups] == [
        ("trojan", 1, 90, now),
        ("adware", 2, 40, now),
    ]
    assert standing.fill.used_bytes == sum(group.size_bytes for group in standing.groups)
    assert standing.quota.max_bytes == 3 * MIB + MIB // 2


def test_eviction_while_another_is_being_written(small: Spool, thing: Any, book: Book) -> None:
    """What is being written cannot be driven out, since nobody can see it yet; its place is not given away."""
    low = put(small, thing, LOW, size=2 * MIB)
    first, second = thing(os.urandom(MIB)), thing(os.urandom(2 * MIB))

    def read(content: Content) -> Any:
        second.put_into(small, HIGH)
        return first.read(content)

    small.put(first.record, first.parcel, first.manifest, read, worth=LOW)
    assert states(small, low, first.event_id, second.event_id) == [
        ObjectState.EVICTED,
        ObjectState.SPOOLED,
        ObjectState.SPOOLED,
    ]
    assert small.used_bytes() <= 3 * MIB + MIB // 2
