"""A page of a search while it fills: what holds of the candidates, as hits, up to its ceilings. No ledger, no loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sampler.limits import ANSWER_MAX_BYTES, SEARCH_LOOKED_AT_MAX_COUNT
from sampler.queue.records import Submission
from sampler.queue.search_question import Question
from sampler.queue.search_terms import RULE, Standing, document_of, readable
from sampler.queue.views import stored_content, verdict_message
from sampler.wire.messages import Manifest
from sampler.wire.search_messages import SearchHit, SearchRequest

_LOOKS_MAX_COUNT = 16
"""How often one request reads in the index: conditions that are frequent and seldom meet would read on for ever."""

_LOOK_MIN_COUNT = 32
"""Candidates of one look, however few are wanted: not all of them hold."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submission that the index proposes."""

    number: int
    submission: Submission
    standing: Standing
    contents_gone: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look into the index proposed."""

    candidates: tuple[Candidate, ...]
    reached: int | None
    """Go on below this number; ``None``: there is nothing below."""


class FillingPage:
    """The hits so far, and how much may still be read for them."""

    def __init__(self, asked: SearchRequest) -> None:
        self.hits: list[SearchHit] = []
        self.crowded = False
        """More digests are like the asked one than were measured."""
        self._asked = asked
        self._looks = _LOOKS_MAX_COUNT
        self._manifests = SEARCH_LOOKED_AT_MAX_COUNT
        self._bytes = ANSWER_MAX_BYTES // 2

    @property
    def room(self) -> int:
        """How many candidates the next look may propose; 0: the page ends here."""
        if len(self.hits) >= self._asked.limit or self._looks <= 0 or self._bytes <= 0:
            return 0
        return min(max(self._asked.limit, _LOOK_MIN_COUNT), self._manifests)

    def take(self, question: Question, look: Look, distance: int | None) -> int | None:
        """Keep what holds; the number below which to go on, ``None`` at the end. Blocking: it reads manifests."""
        self._looks -= 1
        for each in look.candidates:
            if self._takes(question, each, distance) and not self.room:
                return each.number
        return look.reached

    def _takes(self, question: Question, candidate: Candidate, distance: int | None) -> bool:
        submission = candidate.submission
        self._manifests -= 1
        manifest = readable(submission)
        if manifest is None or not question.holds(document_of(manifest, candidate.standing), submission.received):
            return False
        if self._asked.full:
            self._bytes -= len(submission.manifest)
        self.hits.append(_hit(candidate, manifest, distance, full=self._asked.full))
        return True


def _hit(candidate: Candidate, manifest: Manifest, distance: int | None, *, full: bool) -> SearchHit:
    submission, standing = candidate.submission, candidate.standing
    return SearchHit(
        id=submission.id,
        state=standing.state,
        received=submission.received,
        device=submission.device,
        tenant=submission.tenant,
        object=manifest.object,
        reason=str(manifest.fields.get("event.reason", "")),
        rules=tuple(dict.fromkeys(_rules(manifest))),
        verdict=verdict_message(standing.verdict) if standing.verdict else None,
        distance=distance,
        contents_destroyed=candidate.contents_gone,
        fields=manifest.fields if full else None,
        matches=tuple(manifest.matches) if full else (),
        contents=tuple(stored_content(content) for content in manifest.contents) if full else (),
    )


def _rules(manifest: Manifest) -> Iterator[str]:
    return (str(match[RULE]) for match in manifest.matches if RULE in match)
