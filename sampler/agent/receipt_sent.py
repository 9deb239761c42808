"""What this host has offered to its queue, so that receipts can be held against it.

What was offered since the start is remembered up to a ceiling; whatever is not is looked up in the journal, which has
all of it, in one reading for a whole page of receipts.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from sampler.journal import JournalReader
from sampler.limits import SENT_REMEMBERED_MAX_COUNT
from sampler.model import Waiting

RECEIPT_KINDS: Final = frozenset({"receipt", "receipt_refused"})
_READ_KINDS: Final = RECEIPT_KINDS | {"offered"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission as it left."""

    manifest: str
    """SHA-256 of its bytes, hexadecimal."""
    contents: tuple[tuple[str, int], ...]
    """SHA-256 and bytes of each, once, in the manifest's order."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal has about some submissions."""

    sent: Mapping[str, Sent]
    noted: Collection[str]
    """SHA-256 of receipts that are in it already, held or refused."""


@dataclass(slots=True)
class SentBook:
    """Remembers offers. Blocking; any thread may call it."""

    journal: JournalReader
    most: int = SENT_REMEMBERED_MAX_COUNT
    _sent: OrderedDict[str, Sent] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, waiting: Waiting) -> None:
        """Something is about to be offered."""
        contents = {content.sha256: content.size for content in waiting.contents}
        sent = Sent(hashlib.sha256(waiting.manifest).hexdigest(), tuple(contents.items()))
        with self._guard:
            self._sent[waiting.event_id] = sent
            while len(self._sent) > self.most:
                self._sent.popitem(last=False)

    def look_up(self, submissions: Collection[str], *, thorough: bool) -> Known:
        """What is known of these submissions.

        Args:
            submissions: their identifiers.
            thorough: also look for receipts of them that were noted before.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._guard:
            sent = {each: self._sent[each] for each in submissions if each in self._sent}
        if thorough or len(sent) < len(frozenset(submissions)):
            return self._read(frozenset(submissions), sent)
        return Known(sent, frozenset())

    def _read(self, submissions: frozenset[str], sent: dict[str, Sent]) -> Known:
        noted: set[str] = set()

        def wanted(kind: str, event_id: str, _: datetime) -> bool:
            return kind in _READ_KINDS and (not event_id or event_id in submissions)

        for entry in self.journal.entries(wanted=wanted):
            if entry.kind == "offered":
                sent.setdefault(entry.event_id, sent_of(entry.document))
            else:
                noted.add(str(entry.document.get("digest", "")))
        return Known(sent, noted)


def sent_of(document: Mapping[str, Any]) -> Sent:
    """What an ``offered`` entry says of what left; entries of older versions have the manifest, and not its digest."""
    manifest = document["manifest"]
    contents = {content["sha256"]: content["size"] for content in manifest.get("contents", ())}
    digest = document.get("manifest_sha256") or hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
    return Sent(digest, tuple(contents.items()))
