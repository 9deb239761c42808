"""The part of the queue that hands out receipts, heads of their log, and proofs that it only ever grew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import structlog

from sampler.errors import RequestError, StorageError
from sampler.limits import RECEIPTS_PAGE_MAX_COUNT
from sampler.queue import log_tree, receipts
from sampler.queue.core import RECEIPTS_DUE_BELL, Core, receipts_bell
from sampler.queue.ports import Ledger
from sampler.queue.waking import rung
from sampler.wire.codec import encode
from sampler.wire.receipt_messages import HEAD_CONTEXT, LogProof, ReceiptPage, Signed, TreeHead

log = structlog.get_logger()

_LOOK_SECONDS: Final = 1.0
"""How often receipts that are due are looked for when nothing rings."""


class Receipting(Core):
    """Receipts and their log. What is signed here once can be held against the queue for ever."""

    async def receipts(self, device: str, after: int, wait: float) -> ReceiptPage:
        """A device's receipts behind a cursor; when there is none, waits for one, at most ``wait`` seconds."""
        until = asyncio.get_running_loop().time() + wait
        while True:
            bell = self._bells.listen(receipts_bell(device))
            found = await self._step(lambda ledger: ledger.receipts(device, after, RECEIPTS_PAGE_MAX_COUNT))
            left = until - asyncio.get_running_loop().time()
            if found or self._bells.silenced or not await rung(bell, left):
                signed = tuple(Signed(document=each.document, signature=each.signature) for each in found)
                return ReceiptPage(receipts=signed, cursor=found[-1].position + 1 if found else after)

    async def log_head(self) -> Signed:
        """The log as it is now, signed."""
        document = encode(await self._step(_head, self._clock.now()))
        return Signed(document=document, signature=self._signer.sign(HEAD_CONTEXT, document))

    async def log_consistency(self, first: int, second: int) -> LogProof:
        """The proof that the log of ``second`` receipts begins with the log of ``first``.

        Raises:
            RequestError: there is no such stretch of it.
        """
        return await self._step(_consistency, first, second)

    async def log_inclusion(self, position: int, size: int) -> LogProof:
        """The proof that the receipt at ``position`` is in the log of ``size`` receipts.

        Raises:
            RequestError: there is no such place in it.
        """
        return await self._step(_inclusion, position, size)

    async def keep_issuing(self) -> None:
        """Make receipts that are due, for ever; of several servers one does it at a time."""
        while True:
            bell = self._bells.listen(RECEIPTS_DUE_BELL)
            try:
                async with self._sharing.chore("receipts") as mine:
                    if mine:
                        await self._issue_due()
            except StorageError as error:
                log.warning("no receipts could be made; trying again", error=str(error))
            await rung(bell, _LOOK_SECONDS)

    async def _issue_due(self) -> None:
        while devices := await self._step(receipts.issue_due, self._signer):
            for device in set(devices):
                self._bells.ring(receipts_bell(device))

    async def backfill_receipts(self) -> None:
        """Give a receipt to each submission that was whole before there were receipts."""
        while made := await self._step(receipts.backfill, self._signer):
            log.info("receipts made for older submissions", count=made)


def _head(ledger: Ledger, now: datetime) -> TreeHead:
    with ledger.transaction():
        size = ledger.log_size()
        return TreeHead(size=size, root=log_tree.root(size, ledger.log_node).hex(), time=now)


def _consistency(ledger: Ledger, first: int, second: int) -> LogProof:
    with _sound(ledger, second, smaller=first <= second):
        return LogProof(nodes=log_tree.consistency(first, second, ledger.log_node))


def _inclusion(ledger: Ledger, position: int, size: int) -> LogProof:
    with _sound(ledger, size, smaller=position < size):
        return LogProof(nodes=log_tree.inclusion(position, size, ledger.log_node))


@contextlib.contextmanager
def _sound(ledger: Ledger, size: int, *, smaller: bool) -> Iterator[None]:
    """One look at the log, which has so many receipts at least."""
    with ledger.transaction():
        if not smaller or size > (present := ledger.log_size()):
            at = f"it has {present} receipts" if smaller else "the first number lies behind the second"
            raise RequestError(f"no proof about the log at {size}: {at}; ask for a head first")
        yield
