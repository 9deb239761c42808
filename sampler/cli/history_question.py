"""Which entries of the journal are asked for: by object, scope, reason, kind and time, read in bounded memory.

What an object is known by stands in one of its entries and not in all. So the objects are found first, in one reading,
and their entries shown in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sampler.cli.history_facts import hashes_of, reason_of, scopes_of
from sampler.errors import RequestError
from sampler.journal import JournalEntry, JournalReader
from sampler.limits import HISTORY_OBJECTS_MAX_COUNT

_TELLING: Final = frozenset({"permitted", "offered", "refused", "known", "held", "approved", "denied"})
"""Kinds whose entries say what an object is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know; what is empty asks for nothing in particular."""

    named: bool = False
    """Whether only objects of ``ids`` or ``sha256`` are asked for, even where these are none."""
    ids: frozenset[str] = frozenset()
    sha256: str = ""
    """Of an object or of a content."""
    scopes: frozenset[str] = frozenset()
    """Objects that left under at least one of them."""
    reasons: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    """UTC; the moment itself is not in it."""

    @property
    def names_objects(self) -> bool:
        """Whether only entries about objects can be an answer."""
        return bool(self.named or self.scopes or self.reasons)

    def entries(self, reader: JournalReader, *, newest_first: bool) -> Iterator[JournalEntry]:
        """The entries that are asked for.

        Raises:
            JournalError: the journal cannot be read, or is damaged.
            RequestError: they are about more objects than one question may be.
        """
        objects = self._objects(reader) if self.names_objects else None

        def wanted(kind: str, event_id: str, at: datetime) -> bool:
            return (objects is None or event_id in objects) and self._is_of(kind, at)

        return reader.entries(newest_first=newest_first, wanted=wanted)

    def _is_of(self, kind: str, at: datetime) -> bool:
        if self.kinds and kind not in self.kinds:
            return False
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def _objects(self, reader: JournalReader) -> frozenset[str]:
        if not (self.sha256 or self.scopes or self.reasons):
            return self.ids
        named, scoped, reasoned = set(self.ids), set[str](), set[str]()
        for entry in reader.entries(wanted=lambda kind, event_id, at: kind in _TELLING):
            self._sort(entry, named, scoped, reasoned)
            if max(len(named), len(scoped), len(reasoned)) > HISTORY_OBJECTS_MAX_COUNT:
                raise RequestError(
                    f"more than {HISTORY_OBJECTS_MAX_COUNT} objects are like that; sampler history export has all"
                )
        asked = (
            (self.named, named), (self.scopes, scoped), (self.reasons, reasoned)
        )  # fmt: skip
        return frozenset.intersection(*(frozenset(found) for is_asked, found in asked if is_asked))

    def _sort(self, entry: JournalEntry, named: set[str], scoped: set[str], reasoned: set[str]) -> None:
        document = entry.document
        if self.sha256 and self.sha256 in hashes_of(document):
            named.add(entry.event_id)
        if self.scopes & scopes_of(document):
            scoped.add(entry.event_id)
        if reason_of(document) in self.reasons:
            reasoned.add(entry.event_id)
