"""A search as conditions: what they ask of the index, whether a document meets them, where a page begins. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sampler.errors import RequestError
from sampler.queue import search_terms as t
from sampler.queue.search_terms import Document
from sampler.wire.search_messages import SearchRequest, Where

NUMBER_MAX: Final = 2**63 - 1
_CURSOR: Final = re.compile(r"(?:(?P<distance>\d{1,4})\.(?P<digest>[0-9A-Z]{1,80})\.)?(?P<number>\d{1,19})")


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold of a document."""

    name: str
    how: str
    """As in ``Where.how``."""
    value: str
    """Case folded."""

    @property
    def term(self) -> int | None:
        """The number of the index that every document has that meets it; ``None`` where there is no such number."""
        if self.how == "is":
            return t.term_of(self.name, self.value)
        return t.prefix_term_of(self.name, self.value) if self.how == "begins" else None

    def holds(self, document: Document) -> bool:
        """Whether one of the field's values meets it."""
        return any(self._meets(value) for value in document.get(self.name, ()))

    def _meets(self, value: str) -> bool:
        if self.how == "is":
            return value == self.value
        if self.how == "begins":
            return value.startswith(self.value)
        order = _order(value, self.value)
        return order >= 0 if self.how == "at_least" else order <= 0


@dataclass(frozen=True, slots=True)
class Question:
    """All conditions of a search; a submission has to meet each."""

    conditions: tuple[Condition, ...]
    since: datetime | None = None
    """From this moment on, UTC."""
    until: datetime | None = None
    """Before this one."""

    @property
    def terms(self) -> tuple[int, ...]:
        """The numbers that a submission has in the index when it meets them; none: any may meet them."""
        return tuple(dict.fromkeys(term for each in self.conditions if (term := each.term) is not None))

    def holds(self, document: Document, received: datetime) -> bool:
        """Whether a submission meets all of it."""
        if (self.since is not None and received < self.since) or (self.until is not None and received >= self.until):
            return False
        return all(condition.holds(document) for condition in self.conditions)

    def with_digest(self, digest: str) -> Question:
        """The same about objects with this TLSH digest."""
        return Question((*self.conditions, Condition(t.TLSH, "is", digest.casefold())), self.since, self.until)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: behind this submission, and in a search for neighbours behind this digest."""

    number: int
    distance: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.distance}.{self.digest}.{self.number}" if self.digest else str(self.number)


START: Final = Cursor(NUMBER_MAX)


def question_of(asked: SearchRequest, tenant: str | None) -> Question:
    """What is asked; of one tenant's submissions, or ``None`` for those of all.

    Raises:
        RequestError: the end lies before the beginning.
    """
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise RequestError("search: until lies before since; no submission came then")
    named = {
        t.TENANT: tenant,
        t.DEVICE: asked.device,
        t.STATE: asked.state,
        t.CONCLUSION: asked.conclusion,
        t.FAMILY: asked.family,
        t.ANALYZER: asked.analyzer,
    }
    own = [Condition(name, "is", str(value).casefold()) for name, value in named.items() if value is not None]
    if asked.tenant is not None:
        own.append(Condition(t.TENANT, "is", asked.tenant))
    if asked.hash is not None:
        own.append(Condition(t.HASHES, "begins" if len(asked.hash) < 64 else "is", asked.hash))
    return Question((*own, *map(_condition, asked.where)), asked.since, asked.until)


def cursor_of(text: str | None) -> Cursor:
    """Where a page begins.

    Raises:
        RequestError: it is no cursor of an earlier answer.
    """
    if text is None:
        return START
    found = _CURSOR.fullmatch(text)
    if found is None or int(found["number"]) > NUMBER_MAX:
        raise RequestError("search: after is no cursor; give the after of an earlier page")
    return Cursor(int(found["number"]), int(found["distance"] or 0), found["digest"] or "")


def _condition(where: Where) -> Condition:
    return Condition(where.field, where.how, where.value.casefold())


def _order(value: str, bound: str) -> int:
    """-1, 0 or 1: two numbers as numbers, anything else as texts; moments are written so that their order is theirs."""
    try:
        number, limit = float(value), float(bound)
    except ValueError:
        return (value > bound) - (value < bound)
    return (number > limit) - (number < limit)


def ordered(digests: Sequence[tuple[int, str]], behind: Cursor) -> list[tuple[int, str]]:
    """Neighbours by distance, from the one that a page ended in."""
    return sorted(each for each in digests if each >= (behind.distance, behind.digest))
