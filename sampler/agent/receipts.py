"""Follows the receipts of the queue, and holds the queue to what it has signed once.

A receipt that holds is written into the journal beside its submission, with all that is needed to check it anew
without anybody's help; one that does not is written there as well, and told of loudly. A log that shrank, forked or is
signed by another key stops the following until it is what it was: nothing later can be believed then. The journal
comes first, the cursor behind it follows; what a crash between the two brings once more is found in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from sampler.agent.receipt_checks import check_receipt, opened_receipt
from sampler.agent.receipt_entries import Held, held_document, refused_document, trouble_document
from sampler.agent.receipt_log import BelievedLog, Head
from sampler.agent.receipt_sent import Known, SentBook
from sampler.agent.receipt_standing import Standing, StandingFile, Trouble
from sampler.errors import QueueFaulty, ReceiptError, SamplerError
from sampler.identity import PublicKey
from sampler.journal import Journal
from sampler.limits import LONG_POLL_MAX_SECONDS
from sampler.runtime.backoff import Backoff
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.wire.codec import DecodeError, decode
from sampler.wire.receipt_messages import Receipt, ReceiptPage, Signed

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=1.0, most_seconds=300.0)
_BETWEEN_EMPTY_PAGES_SECONDS: Final = 1.0
_IN_TROUBLE_SECONDS: Final = 60.0
_BETWEEN_HEADS: Final = timedelta(minutes=10)
"""A log that grows by others' receipts only is looked at as often as this."""


@dataclass(slots=True)
class ReceiptFollower:
    """Keeps the queue's receipts for what this host sent. ``agent.consent_gate`` lets it run."""

    believed: BelievedLog
    journal: Journal
    sent: SentBook
    file: StandingFile
    device: str
    clock: Clock
    random: Callable[[], float]
    failures: int = 0
    postponed: str = ""
    """Why the last look did not come to an end."""
    _looked: datetime | None = field(default=None, init=False)
    """When the log was found as it should be, since the start."""
    _settled: bool = field(default=False, init=False)
    """Whether every receipt in the journal lies behind the cursor that is kept."""

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.clock.sleep(await self.follow_once())

    async def follow_once(self) -> float:
        """Ask for one page and check what it brings; the seconds to wait before the next."""
        try:
            found = await self._follow()
        except ReceiptError as error:
            return await self._stop(error)
        except SamplerError as error:
            return self._postpone(error)
        self.failures, self.postponed = 0, ""
        return 0.0 if found else _BETWEEN_EMPTY_PAGES_SECONDS

    def status(self) -> str:
        """One line for ``sampler agent status``. Blocking."""
        try:
            standing = self.file.read()
        except ReceiptError as error:
            return f"ALARM: {error}"
        if standing is None:
            return self.postponed or "none yet"
        return "; ".join(filter(None, (_alarm(standing), f"{standing.confirmed} held", self.postponed)))

    async def _follow(self) -> bool:
        key = await self.believed.key()
        standing = await off_loop(self.file.load, str(key))
        page = await self.believed.link.page(standing.cursor, LONG_POLL_MAX_SECONDS)
        _check_cursor(page, standing.cursor)
        if page.receipts or self._is_due(standing):
            await self.believed.check_key(key)
            head = await self.believed.next_head(key, standing.head)
            await self._keep(key, head, page, standing)
        return bool(page.receipts)

    async def _keep(self, key: PublicKey, head: Head, page: ReceiptPage, standing: Standing) -> None:
        """Journal what came, then let the cursor and the head follow."""
        settled, self._settled = self._settled, False
        names = tuple(filter(None, map(_submission_of, page.receipts)))
        known = await off_loop(self.sent.look_up, names, thorough=bool(page.receipts) and not settled)
        kinds = Counter([await self._take(signed, key, head, known) for signed in page.receipts])
        after = msgspec.structs.replace(
            standing,
            cursor=page.cursor,
            head=head.signed,
            confirmed=standing.confirmed + kinds["receipt"],
            refused=standing.refused + kinds["receipt_refused"],
            trouble=None,
        )
        await off_loop(self.file.save, after)
        self._settled = settled or bool(page.receipts)
        self._looked = self.clock.now()

    async def _take(self, signed: Signed, key: PublicKey, head: Head, known: Known) -> str:
        """The kind of the entry that a receipt became; empty when it was journaled before."""
        held = Held(signed, str(key), head.signed)
        if held.digest in known.noted:
            return ""
        try:
            receipt = opened_receipt(key, signed)
            check_receipt(receipt, self.device, known.sent.get(receipt.submission))
            inclusion = await self.believed.inclusion(signed, receipt, head.tree)
        except ReceiptError as error:
            submission = _submission_of(signed)
            log.error("a receipt of the queue does not hold", submission=submission, code=error.code, reason=str(error))
            return await self._note("receipt_refused", submission, refused_document(signed, error))
        return await self._note("receipt", receipt.submission, held_document(held, receipt.position, inclusion))

    async def _stop(self, error: ReceiptError) -> float:
        """The log is not to be believed: say so, once into the journal, and look again later."""
        log.error("the log of receipts of the queue does not hold", code=error.code, reason=str(error))
        self.postponed, self._looked = "", None
        try:
            await self._note_trouble(Trouble(error.code, str(error)))
        except SamplerError as trouble:
            self.postponed = f"ALARM: {error}; and this is not in the journal: {trouble}"
            log.error("an alarm about receipts is not in the journal", reason=str(trouble))
        return _IN_TROUBLE_SECONDS

    async def _note_trouble(self, trouble: Trouble) -> None:
        standing = await off_loop(self.file.load, str(await self.believed.key()))
        if standing.trouble is None or standing.trouble.code != trouble.code:
            heads = {"seen": standing.head, "shown": self.believed.shown}
            await self._note("receipt_refused", "", trouble_document(trouble.code, trouble.detail, heads))
            await off_loop(self.file.save, msgspec.structs.replace(standing, trouble=trouble))

    def _postpone(self, error: SamplerError) -> float:
        self.failures += 1
        self.postponed = f"postponed: {error}"
        seconds = _BACKOFF.delay_seconds(self.failures, self.random())
        log.info("receipts postponed", seconds=round(seconds, 1), reason=str(error))
        return seconds

    async def _note(self, kind: str, event_id: str, document: Mapping[str, Any]) -> str:
        await off_loop(self.journal.append, kind, event_id, self.clock.now(), document)
        return kind

    def _is_due(self, standing: Standing) -> bool:
        if self._looked is None or standing.trouble is not None:
            return True
        return not self._looked <= self.clock.now() < self._looked + _BETWEEN_HEADS


def _alarm(standing: Standing) -> str:
    if standing.trouble is not None:
        return f"ALARM: {standing.trouble.detail}"
    return f"ALARM: {standing.refused} receipts do not hold, see sampler receipts list" if standing.refused else ""


def _check_cursor(page: ReceiptPage, cursor: int) -> None:
    """A cursor that does not move on would bring the same page for ever."""
    if page.cursor < cursor or (page.receipts and page.cursor == cursor):
        raise QueueFaulty(f"waiting for receipts: the queue's cursor goes from {cursor} to {page.cursor}")


def _submission_of(signed: Signed) -> str:
    """Which submission a receipt says it is for, whoever signed it; empty when it says none."""
    try:
        return decode(signed.document, Receipt).submission
    except DecodeError:
        return ""
