"""How often one user may ask. Pure: the time is passed in."""

from __future__ import annotations

import os
from typing import Final

from sampler.limits import PEER_RATES_MAX_COUNT
from sampler.model import Peer

_SECOND_NS: Final = 1_000_000_000
_OTHERS: Final = -1
"""Stands for every user that there is no room to remember."""


class Rates:
    """A token bucket for each user: ``burst`` requests at once, then ``per_second``.

    Root and the agent's own user are not limited: either could stop the agent, and how many of their requests are under
    way at once is limited with everybody's. Of one user a single number is kept, the time at which the bucket is full
    again (the generic cell rate algorithm, ITU-T I.371 annex A), and it is forgotten after that time. Should
    ``most_users`` have less than full buckets at once, all further ones share a bucket: a user with many identities
    (user_namespaces(7)) gains nothing by them, and memory stays what it is.
    """

    def __init__(self, per_second: float, burst: int, *, most_users: int = PEER_RATES_MAX_COUNT) -> None:
        self._interval_ns = max(1, round(_SECOND_NS / per_second))
        self._room_ns = (burst - 1) * self._interval_ns
        self._most_users = most_users
        self._full_at_ns: dict[int, int] = {}

    def wait_ns(self, peer: Peer, now_ns: int) -> int:
        """0 admits a request; otherwise, after so many nanoseconds one would be admitted.

        Args:
            peer: who asks.
            now_ns: nanoseconds on a clock that is never set.
        """
        if peer.uid in (0, os.geteuid()):
            return 0
        user = self._remembered(peer.uid, now_ns)
        full_at_ns = max(self._full_at_ns.get(user, now_ns), now_ns)
        if full_at_ns - now_ns > self._room_ns:
            return full_at_ns - now_ns - self._room_ns
        self._full_at_ns[user] = full_at_ns + self._interval_ns
        return 0

    def __len__(self) -> int:
        """How many users are remembered."""
        return len(self._full_at_ns)

    def _remembered(self, uid: int, now_ns: int) -> int:
        if uid in self._full_at_ns or len(self._full_at_ns) < self._most_users:
            return uid
        self._full_at_ns = {user: full_at for user, full_at in self._full_at_ns.items() if full_at > now_ns}
        return uid if len(self._full_at_ns) < self._most_users else _OTHERS
