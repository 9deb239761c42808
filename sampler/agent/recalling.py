"""Taking back: what waits ends at once, and of what has left the queue is asked, durably, to destroy all it has.

Steps for each submission of the object, in this order: (1) the journal has that it was asked for; (2) one transaction
of the ledger ends it as ``RECALLED`` and keeps the wish; (3) the journal says whether anything of it was ever offered,
and when nothing was, the wish is dropped and the queue never hears of it. Delivery looks at the ledger again after it
has noted an offer and before a byte of it leaves, so that no order of these steps lets anything slip through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import structlog

from sampler.agent.consents import ConsentStore
from sampler.errors import ConsentError, JournalError
from sampler.journal import Journal, JournalReader
from sampler.limits import RECALLED_TOGETHER_MAX_COUNT
from sampler.model import ObjectRecord, ObjectState
from sampler.retain import RetainStore
from sampler.runtime.clock import Clock
from sampler.spool import Cause, Spool, Wish
from sampler.wire.recall_messages import RecalledObject

log = structlog.get_logger()

_LEFT: Final = frozenset({ObjectState.DELIVERED, ObjectState.DUPLICATE, ObjectState.REJECTED})
_WAITING: Final = frozenset({ObjectState.SPOOLED, ObjectState.HELD})
_TELLING: Final = "recalled; the queue is being asked to destroy what it has of it"
_STOPPED: Final = "recalled before anything of it left"


@dataclass(frozen=True, slots=True)
class Recaller:
    """Takes objects back on this host. Blocking."""

    spool: Spool
    journal: Journal
    consents: ConsentStore
    kept: RetainStore
    clock: Clock
    on_wish: Callable[[], None]
    """There is something to tell the queue."""

    def family(self, event_id: str) -> tuple[ObjectRecord, ...]:
        """Everything that was made of an object, the first submission first; empty when it was never flagged here."""
        first = self.spool.get(event_id)
        for _ in range(RECALLED_TOGETHER_MAX_COUNT):
            before = self.spool.get(first.follows) if first and first.follows else None
            if before is None:
                break
            first = before
        found = {first.event_id: first} if first else {}
        waiting = list(found)
        while waiting and len(found) < RECALLED_TOGETHER_MAX_COUNT:
            new = self.spool.followers(waiting.pop(), RECALLED_TOGETHER_MAX_COUNT - len(found))
            waiting += [each.event_id for each in new if each.event_id not in found]
            found |= {each.event_id: each for each in new}
        return tuple(found.values())

    def recall(self, family: tuple[ObjectRecord, ...], reason: str | None) -> tuple[RecalledObject, ...]:
        """Take all of them back; what is returned is durable. Once more, it changes nothing and says how far it is.

        Raises:
            JournalError: it cannot be noted, and is not done.
            SpoolFull: the same.
        """
        taken = tuple(self._take_back(record, reason) for record in family)
        if any(each.standing == "asked" for each in taken):
            self.on_wish()
        return taken

    def _take_back(self, record: ObjectRecord, reason: str | None) -> RecalledObject:
        event_id = record.event_id
        self.kept.forget(event_id)
        known = self.spool.wish(event_id)
        if known is not None:
            return _seen(record, "asked" if known.confirmed is None else "confirmed")
        if record.state not in _WAITING and not self.has_left(record):
            return _seen(record, "stopped" if record.state is ObjectState.RECALLED else "untouched")
        now = self.clock.now()
        wish = Wish(event_id, self._cause(), now)
        asked: dict[str, Any] = {"cause": wish.cause} | ({"reason": reason} if reason else {})
        self.journal.append("recall_asked", event_id, now, asked)  # (1)
        self.spool.take_back(event_id, wish, detail=_TELLING, now=now)  # (2)
        return self._settled(record, now)

    def _settled(self, record: ObjectRecord, now: datetime) -> RecalledObject:
        told = self.has_left(record)  # (3)
        if not told:
            self.spool.end_wish(record.event_id, confirmed=False, detail=_STOPPED, now=now)
        after = self.spool.get(record.event_id)
        return _seen(after or record, "asked" if told else "stopped")

    def has_left(self, record: ObjectRecord) -> bool:
        """Whether anything of it was ever offered; it is believed where the journal cannot say, or no longer."""
        if record.state in _LEFT:
            return True
        try:
            if (begins := begins_later(self.journal)) is not None and record.created < begins:
                return True
            return any(entry.kind == "offered" for entry in self.journal.entries(record.event_id))
        except JournalError as error:
            log.error("the journal cannot say whether it left", event_id=record.event_id, error=str(error))
            return True

    def _cause(self) -> Cause:
        try:
            consent = self.consents.load()
        except ConsentError:
            return "consent"
        return "person" if consent is not None and consent.scopes else "consent"


def begins_later(journal: Journal | JournalReader) -> datetime | None:
    """Where the journal's beginning was removed: the time from which on it has everything.

    Raises:
        JournalError: it cannot be read.
    """
    first = next(iter(journal.entries()), None)
    return first.at if first is not None and first.number > 1 else None


def why_taken_back(spool: Spool, event_id: str) -> str | None:
    """Why something that waits may not be sent any more: it, or the object that it follows, was taken back."""
    record = spool.get(event_id)
    while record is not None:
        if record.state is ObjectState.RECALLED:
            return f"{record.event_id} was taken back"
        record = spool.get(record.follows) if record.follows and record.follows != record.event_id else None
    return None


def _seen(record: ObjectRecord, standing: Literal["untouched", "stopped", "asked", "confirmed"]) -> RecalledObject:
    return RecalledObject(id=record.event_id, state=record.state.value, standing=standing, detail=record.detail)
