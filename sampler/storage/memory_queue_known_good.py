"""The list of known good files in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from sampler.errors import Conflict
from sampler.queue import KnownGoodList

_KEPT = 2


class MemoryKnownGoods(ABC):
    """The part of ``queue.Ledger`` that keeps lists of known good files."""

    @property
    @abstractmethod
    def _lists(self) -> dict[int, tuple[KnownGoodList, tuple[bytes, ...]]]:
        """By number, with their pieces, as they are now."""

    def publish_known_good(self, published: KnownGoodList, pieces: Iterable[bytes]) -> None:
        """Keep it and the one before."""
        if published.number in self._lists:
            raise Conflict(f"list {published.number} of known good files exists already")
        self._lists[published.number] = published, tuple(pieces)
        for number in [each for each in self._lists if each <= published.number - _KEPT]:
            del self._lists[number]

    def known_good(self) -> KnownGoodList | None:
        """The one with the largest number."""
        return self._lists[max(self._lists)][0] if self._lists else None

    def known_good_piece(self, sha256: str, piece: int) -> bytes | None:
        """Of the newest list with this hash."""
        for _, (kept, pieces) in sorted(self._lists.items(), reverse=True):
            if kept.sha256 == sha256:
                return pieces[piece] if piece < len(pieces) else None
        return None
