"""The queue's log of receipts, as far as this host believes it: under one key, and only ever growing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from sampler.agent.receipt_checks import check_grown, check_included, check_not_shrunk, opened_head
from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import QueueRefused, ReceiptError
from sampler.identity import PublicKey
from sampler.runtime.blocking import off_loop
from sampler.upload import ReceiptLink
from sampler.wire.receipt_messages import LogProof, Receipt, Signed, TreeHead

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Head:
    """A head of the log, checked."""

    signed: Signed
    tree: TreeHead


@dataclass(slots=True)
class BelievedLog:
    """Asks the queue about its log, and believes nothing that does not follow from what was seen before.

    Every method may raise what a ``QueueLink`` does, and ``ReceiptError`` where the queue is caught.
    """

    link: ReceiptLink
    pin: PinnedKey
    shown: Signed | None = None
    """The head that the queue showed last, whatever it is worth."""

    async def key(self) -> PublicKey:
        """The pinned key; at first sight, the one that the queue shows.

        Raises:
            IdentityError: the pinned key cannot be read or kept, or what the queue shows is none.
        """
        key = await off_loop(self.pin.load)
        if key is None:
            key = PublicKey.parse(await self.link.key())
            await off_loop(self.pin.pin, key)
            log.info("receipts of the queue are believed by this key from now on", key=str(key))
        return key

    async def check_key(self, pinned: PublicKey) -> None:
        """Look whether the queue still shows the key that is believed."""
        shown = await self.link.key()
        if shown != str(pinned):
            detail = (
                f"it shows {shown!r}, this host believes {pinned}; ask its operator, and enrol anew if that is right"
            )
            raise ReceiptError(f"the queue's key for receipts is another one: {detail}", "key")

    async def next_head(self, key: PublicKey, seen: Signed | None) -> Head:
        """The log as it is now, if it goes on from where it was seen last."""
        self.shown = signed = await self.link.head()
        tree = opened_head(key, signed)
        if seen is not None:
            before = opened_head(key, seen)
            check_not_shrunk(before, tree)
            needed = 0 < before.size < tree.size
            check_grown(before, tree, await _proof(self.link.consistency, before.size, tree.size, needed=needed))
        return Head(signed, tree)

    async def inclusion(self, signed: Signed, receipt: Receipt, head: TreeHead) -> LogProof:
        """The proof, checked, that the log has a receipt where it says it stands."""
        needed = receipt.position < head.size
        proof = await _proof(self.link.inclusion, receipt.position, head.size, needed=needed)
        check_included(signed.document, receipt, head, proof)
        return proof


async def _proof(ask: Callable[[int, int], Awaitable[LogProof]], first: int, second: int, *, needed: bool) -> LogProof:
    """A proof of the queue; empty where none is needed, or none could help.

    Raises:
        ReceiptError: the queue refuses to prove what it has signed.
    """
    try:
        return await ask(first, second) if needed else LogProof()
    except QueueRefused as error:
        raise ReceiptError(f"the queue gives no proof of its own log: {error}", "no-proof") from error
