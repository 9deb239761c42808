"""What all containers of one object may cost together: members, unpacked bytes, their ratio, depth, and time.

One budget goes along with an object from its outermost container to its innermost. A reader asks for room before it
unpacks, unpacks no more than it was given, and pays for what came out; once the budget is spent nothing more is
opened, and what was found stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sampler.limits import (
    EXTRACT_SECONDS,
    UNPACK_MEMBER_MAX_BYTES,
    UNPACK_MEMBERS_MAX_COUNT,
    UNPACK_RATIO_FROM_BYTES,
    UNPACK_RATIO_MAX,
    UNPACK_TOTAL_MAX_BYTES,
)


class Budget:
    """Counts down. Not for several threads."""

    def __init__(
        self,
        *,
        members: int = UNPACK_MEMBERS_MAX_COUNT,
        total_bytes: int = UNPACK_TOTAL_MAX_BYTES,
        seconds: float = EXTRACT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = members
        self._bytes = total_bytes
        self._clock = clock
        self._end = clock() + seconds

    @property
    def spent(self) -> str | None:
        """Why nothing more is opened, in words; ``None`` while something may be."""
        if self._members <= 0:
            return "more members than are looked at"
        if self._bytes <= 0:
            return "more unpacked bytes than are looked at"
        if self._clock() >= self._end:
            return "out of time"
        return None

    def room(self, packed_bytes: int) -> int:
        """How many bytes may come out of so many packed ones; 0 once the budget is spent."""
        if self.spent is not None:
            return 0
        by_ratio = max(UNPACK_RATIO_FROM_BYTES, packed_bytes * UNPACK_RATIO_MAX)
        return min(UNPACK_MEMBER_MAX_BYTES, self._bytes, by_ratio)

    def pay(self, unpacked_bytes: int) -> None:
        """One member was unpacked, or was given up after so many bytes."""
        self._members -= 1
        self._bytes -= unpacked_bytes
