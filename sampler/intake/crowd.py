"""How many may be inside at once, of all and of one user, so that no user keeps the others out."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator

from sampler.model import Peer


class Crowd:
    """At most ``most`` altogether; a user that is neither root nor the agent's own gets half of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, most // 2)
        self._inside: Counter[int] = Counter()

    @contextlib.contextmanager
    def entered(self, peer: Peer) -> Iterator[bool]:
        """Whether there is room; while the context lasts, an admitted peer counts."""
        admitted = self._has_room(peer.uid)
        if admitted:
            self._inside[peer.uid] += 1
        try:
            yield admitted
        finally:
            if admitted:
                self._leave(peer.uid)

    def _has_room(self, uid: int) -> bool:
        share = self._most if uid in (0, os.geteuid()) else self._share
        return self._inside.total() < self._most and self._inside[uid] < share

    def _leave(self, uid: int) -> None:
        self._inside[uid] -= 1
        if not self._inside[uid]:
            del self._inside[uid]
