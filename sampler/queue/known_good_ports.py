"""What the queue needs of a store for lists of known good files; ``ports.Ledger`` is one, and its rules hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KnownGoodList:
    """A list's header as it was signed, and its place among all that were published."""

    number: int
    sha256: str
    """Of the list."""
    document: bytes
    """JSON, a ``wire.known_good_messages.KnownGoodHeader``."""
    signature: bytes


class KnownGoodLedger(Protocol):
    """Lists of known good files, each in pieces."""

    def publish_known_good(self, published: KnownGoodList, pieces: Iterable[bytes]) -> None:
        """Keep a list as the present one, inside of a transaction; the one before it stays, those before go.

        Raises:
            Conflict: one with this number was published already.
        """

    def known_good(self) -> KnownGoodList | None:
        """The present list."""

    def known_good_piece(self, sha256: str, piece: int) -> bytes | None:
        """A piece of a list that is kept, from 0."""
