"""The part of the queue that finds submissions: by conditions, the newest first, or by likeness, the nearest first.

The index proposes, the document decides: what the index yields is held against the manifest and where the submission
stands now, so an index that is behind can miss what has just changed and never shows what does not hold. One request
reads no more than its ceilings; then it says where to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sampler.limits import SEARCH_BEHIND_MAX_COUNT, SEARCH_READS_MAX_COUNT, TLSH_LIKE_MAX_COUNT
from sampler.queue.ports import Ledger
from sampler.queue.search_hits import Candidate, FillingPage, Look
from sampler.queue.search_indexing import Indexing, standing_of
from sampler.queue.search_ports import Numbered
from sampler.queue.search_question import NUMBER_MAX, Cursor, Question, cursor_of, ordered, question_of
from sampler.queue.search_tlsh import BANDS, Digest, nearest
from sampler.runtime.blocking import off_loop
from sampler.wire.search_messages import SearchPage, SearchRequest

_SKEW: Final = timedelta(minutes=1)
"""By so much the order of submissions may differ from that of their times, where several servers take them in."""


class Searching(Indexing):
    """Search."""

    async def search(self, asked: SearchRequest, tenant: str | None = None) -> SearchPage:
        """A page of submissions that meet all conditions; of one tenant, ``None`` of all.

        Raises:
            RequestError: the conditions contradict themselves, or the cursor is none.
        """
        question, cursor = question_of(asked, tenant), cursor_of(asked.after)
        page = FillingPage(asked)
        behind, after = await asyncio.gather(
            self._step(lambda ledger: ledger.behind(SEARCH_BEHIND_MAX_COUNT)),
            self._filled(page, asked, question, cursor),
        )
        after_text = None if after is None else str(after)
        return SearchPage(hits=tuple(page.hits), after=after_text, behind=behind, crowded=page.crowded)

    async def _filled(
        self, page: FillingPage, asked: SearchRequest, question: Question, cursor: Cursor
    ) -> Cursor | None:
        """Fill a page; where the next one begins, ``None`` when there is none."""
        if asked.near is not None:
            like, page.crowded = await self._like(asked.near, asked.within)
            return await self._fill_by_distance(page, question, ordered(like, cursor), cursor)
        number = await self._fill(page, question, cursor.number)
        return None if number is None else Cursor(number)

    async def _fill(self, page: FillingPage, question: Question, below: int, distance: int | None = None) -> int | None:
        """Read on, the newest first, until the page ends; the number to go on below, ``None`` at the end."""
        reached: int | None = below
        while reached is not None and page.room:
            look = await self._step(_look, question, reached, page.room)
            reached = await off_loop(page.take, question, look, distance)
        return reached

    async def _fill_by_distance(
        self, page: FillingPage, question: Question, like: Sequence[tuple[int, str]], cursor: Cursor
    ) -> Cursor | None:
        for distance, digest in like:
            resumed = (distance, digest) == (cursor.distance, cursor.digest)
            below = cursor.number if resumed else NUMBER_MAX
            reached = await self._fill(page, question.with_digest(digest), below, distance)
            if reached is not None:
                return Cursor(reached, distance, digest)
        return None

    async def _like(self, text: str, within: int) -> tuple[list[tuple[int, str]], bool]:
        """Digests near this one with their distance, and whether more are close than are measured."""
        digest = Digest.parse(text)
        assert digest is not None  # the message's pattern is that of digests
        share = TLSH_LIKE_MAX_COUNT // BANDS
        found: set[str] = set()
        crowded = False
        for bands in digest.probes():
            under = await self._step(_digests_under, bands, share)
            crowded |= len(under) >= share
            found |= under
        return await off_loop(nearest, digest, found, within), crowded


def _look(ledger: Ledger, question: Question, below: int, limit: int) -> Look:
    least, most = _span(ledger, question)
    found = ledger.candidates(
        question.terms, least=least, below=min(below, most), limit=limit, reads=SEARCH_READS_MAX_COUNT
    )
    return Look(tuple(_candidate(ledger, each) for each in ledger.numbered(found.numbers)), found.reached)


def _candidate(ledger: Ledger, found: Numbered) -> Candidate:
    kept = ledger.kept(found.number)
    standing = standing_of(ledger, found.submission)
    return Candidate(found.number, found.submission, standing, kept.contents_gone if kept else None)


def _span(ledger: Ledger, question: Question) -> tuple[int, int]:
    """Between which numbers submissions of the asked time are."""
    least = 0 if question.since is None else ledger.number_at(_shifted(question.since, -_SKEW))
    most = None if question.until is None else ledger.number_at(_shifted(question.until, _SKEW))
    return NUMBER_MAX if least is None else least, NUMBER_MAX if most is None else most


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """The beginning and the end of all time stay what they are."""
    try:
        return moment + by
    except OverflowError:
        return moment


def _digests_under(ledger: Ledger, bands: Sequence[int], limit: int) -> frozenset[str]:
    return ledger.digests_under(bands, limit)
