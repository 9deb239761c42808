"""The list of known good files that hosts fetch: the present one, in pieces, as it was signed."""

from __future__ import annotations

from sampler.errors import NotFound
from sampler.queue.core import Core
from sampler.queue.known_good_ports import KnownGoodList
from sampler.queue.ports import Ledger
from sampler.wire.known_good_messages import KnownGoodOffer
from sampler.wire.receipt_messages import Signed


class KnownGoods(Core):
    """What hosts fetch."""

    async def known_good(self) -> KnownGoodOffer:
        """The present list's header."""
        present = await self._step(_present)
        if present is None:
            return KnownGoodOffer()
        return KnownGoodOffer(header=Signed(document=present.document, signature=present.signature))

    async def known_good_piece(self, sha256: str, piece: int) -> bytes:
        """A piece of a list.

        Raises:
            NotFound: there is no such list any more, or it has no such piece.
        """
        data = await self._step(lambda ledger: ledger.known_good_piece(sha256, piece))
        if data is None:
            raise NotFound(f"no piece {piece} of a list {sha256}; ask for the present one")
        return data


def _present(ledger: Ledger) -> KnownGoodList | None:
    return ledger.known_good()
