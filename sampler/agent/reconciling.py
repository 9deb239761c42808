"""Holds ledger, journal, spool and queue against each other, in streams and in little memory; repairs nothing.

Objects come in the order of their identifiers, from the ledger and from the queue, a range at a time; the journal,
which is in the order of time, is read once for each range. An agent may be at work meanwhile, so what differs is
looked at again, ledger first, before it is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import msgspec

from sampler.agent import reconcile_checks as checks
from sampler.agent.recalling import begins_later
from sampler.agent.receipt_standing import StandingFile
from sampler.agent.reconcile_contents import Needs, contents, held, kept, lost_while_held, receipts
from sampler.agent.reconcile_facts import Facts, Trail, facts_of, trails
from sampler.errors import QueueFaulty
from sampler.journal import JournalReader
from sampler.limits import RECONCILE_DIFFERENCES_MAX_COUNT, RECONCILE_RANGE_MAX_COUNT
from sampler.model import ObjectState, SubmissionState
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.spool import Booked, ContentFolder
from sampler.upload import RecallLink
from sampler.wire.recall_messages import SubmissionLine
from sampler.wire.reconcile_messages import Difference

_PAGE: Final = 100
_PAST_ALL: Final = "~"
"""Behind every identifier."""


class Books(Needs, Protocol):
    """The ledger of the spool, as far as it is compared."""

    def in_order(self, after: str, limit: int) -> tuple[Booked, ...]:
        """Objects in the order of their identifiers, from the one behind ``after`` on."""


@dataclass(frozen=True, slots=True)
class Range:
    """Objects behind ``low``, up to ``high``, as ledger and journal have them."""

    low: str
    high: str
    facts: dict[str, Facts]
    trails: dict[str, Trail]

    def trail(self, event_id: str) -> Trail:
        """What the journal has of it, perhaps nothing."""
        return self.trails.get(event_id, Trail())


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One host's records."""

    books: Books
    journal: JournalReader
    contents: ContentFolder
    """The spool's content files."""
    kept: Path
    """Snapshots for further asks."""
    held: Path
    """What waits for a person's approval."""
    receipts: StandingFile
    """How the queue's receipts and their log hold."""
    clock: Clock
    verify: Callable[[], tuple[str, ...]]
    """Reads all of the journal; what of it does not hold."""

    async def local(self) -> AsyncIterator[Difference]:
        """What does not agree on this host, each as it is found, at most ``RECONCILE_DIFFERENCES_MAX_COUNT``.

        Raises:
            JournalError: the journal cannot be read to its end.
            StorageError: the ledger cannot be read.
        """
        differences = islice(self._local(), RECONCILE_DIFFERENCES_MAX_COUNT)
        while (difference := await off_loop(next, differences, None)) is not None:
            yield difference

    async def queue(self, link: RecallLink) -> AsyncIterator[Difference]:
        """What does not agree between this host and its queue, at most ``RECONCILE_DIFFERENCES_MAX_COUNT``.

        Raises:
            DeliveryError: the queue does not answer, or not as it should.
            JournalError, StorageError: as ``local``.
        """
        lines, low, named = Lines(link), "", 0
        while low != _PAST_ALL:
            part = await off_loop(self._range, low)
            async for difference in self._compared(part, lines, link):
                yield difference
                named += 1
                if named >= RECONCILE_DIFFERENCES_MAX_COUNT:
                    return
            low = part.high

    def _local(self) -> Iterator[Difference]:
        faults = self.verify()
        advice = "see: sampler history verify"
        for fault in faults:
            yield Difference(id="", where="journal", code="damaged", what=fault, advice=advice)
        yield from contents(self.books, self.contents)
        yield from kept(self.books, self.kept)
        yield from held(self.books, self.held, self.clock.now().timestamp())
        yield from receipts(self.receipts)
        low = ""
        while low != _PAST_ALL:
            part = self._range(low)
            suspects = {each.id for each in self._within(part)}
            if suspects:
                yield from self._within(self._again(part, suspects))
            low = part.high

    def _range(self, low: str) -> Range:
        facts: dict[str, Facts] = {}
        high = low
        while len(facts) < RECONCILE_RANGE_MAX_COUNT and (page := self.books.in_order(high, _PAGE)):
            facts |= {each.record.event_id: facts_of(each) for each in page}
            high = page[-1].record.event_id
        if len(facts) < RECONCILE_RANGE_MAX_COUNT:
            high = _PAST_ALL
        return Range(low, high, facts, trails(self.journal, lambda event_id: low < event_id <= high))

    def _again(self, part: Range, suspects: set[str]) -> Range:
        """The same, of some objects only, as they are now."""
        found = {event_id: self.books.booked(event_id) for event_id in suspects}
        facts = {event_id: facts_of(booked) for event_id, booked in found.items() if booked is not None}
        return Range(part.low, part.high, facts, trails(self.journal, suspects.__contains__))

    def _within(self, part: Range) -> Iterator[Difference]:
        begins = begins_later(self.journal)
        for event_id, facts in part.facts.items():
            complete = begins is None or facts.created >= begins
            yield from checks.within(facts, part.trail(event_id), complete=complete)
            if facts.state is ObjectState.HELD:
                yield from lost_while_held(event_id, self.held)
        for event_id in sorted(part.trails.keys() - part.facts.keys()):
            yield from checks.only_in_journal(event_id, part.trails[event_id])

    async def _compared(self, part: Range, lines: Lines, link: RecallLink) -> AsyncIterator[Difference]:
        suspects: dict[str, SubmissionLine | None] = {}
        unseen = dict(part.facts)
        async for line in lines.up_to(part.high):
            if _differs(unseen.pop(line.id, None), part.trail(line.id), line):
                suspects[line.id] = line
            if len(suspects) >= _PAGE:
                for difference in await self._looked_again(part, suspects, link):
                    yield difference
                suspects.clear()
        lacking = [each for each, facts in unseen.items() if _differs(facts, part.trail(each), None)]
        suspects |= dict.fromkeys(lacking)
        for difference in await self._looked_again(part, suspects, link):
            yield difference

    async def _looked_again(
        self, part: Range, suspects: Mapping[str, SubmissionLine | None], link: RecallLink
    ) -> list[Difference]:
        if not suspects:
            return []
        now = await off_loop(self._again, part, set(suspects))
        found: list[Difference] = []
        for event_id, line in suspects.items():
            after = await _line_now(link, event_id, line)
            found += _compare(now.facts.get(event_id), now.trail(event_id), after)
        return found


@dataclass(slots=True)
class Lines:
    """What the queue has of this host, in order, a page at a time; each once."""

    link: RecallLink
    _held: list[SubmissionLine] = field(default_factory=list)
    """Newest last, so that the next is popped from the end."""
    _after: str | None = None
    _ended: bool = False

    async def up_to(self, high: str) -> AsyncIterator[SubmissionLine]:
        """Those that are left, up to an identifier.

        Raises:
            QueueFaulty: they do not come in their order.
        """
        while await self._has_next() and self._held[-1].id <= high:
            yield self._held.pop()

    async def _has_next(self) -> bool:
        while not self._held and not self._ended:
            page = await self.link.page(self._after)
            before = self._after or ""
            for line in page.submissions:
                if line.id <= before:
                    raise QueueFaulty(f"the queue lists submission {line.id} behind {before}; its order is another")
                before = line.id
            self._held = list(reversed(page.submissions))
            self._after, self._ended = page.after, page.after is None
            if page.after is not None and page.after != before:
                raise QueueFaulty(f"the queue's next page begins behind {page.after}, its last line is {before}")
        return bool(self._held)


def _compare(facts: Facts | None, trail: Trail, line: SubmissionLine | None) -> Iterator[Difference]:
    if facts is not None:
        yield from checks.with_queue(facts, trail, line)
    elif line is not None:
        yield from checks.only_on_queue(line)


def _differs(facts: Facts | None, trail: Trail, line: SubmissionLine | None) -> bool:
    return next(_compare(facts, trail, line), None) is not None


async def _line_now(link: RecallLink, event_id: str, before: SubmissionLine | None) -> SubmissionLine | None:
    """The same submission as it is now; its manifest does not change."""
    view = await link.one(event_id)
    if view == "unknown":
        return None
    if view == "recalled":
        return None if before is None else msgspec.structs.replace(before, state=SubmissionState.RECALLED)
    manifest = None if before is None else before.manifest
    return SubmissionLine(
        id=event_id, state=view.state, received=view.received, manifest=manifest, missing=len(view.missing)
    )
