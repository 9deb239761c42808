"""Reading regions of a process's memory while it runs: what can be read, one region behind the other.

A page that cannot be read becomes zeros and is named. A region of which a whole chunk cannot be read ends there. What
the process does meanwhile is not prevented: pages are as they were when each was read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from sampler.capture.maps import Mapped
from sampler.limits import CAPTURE_DEADLINE_SECONDS, COPY_CHUNK_BYTES, FAILED_RANGES_MAX_COUNT, MEMORY_READ_SECONDS
from sampler.model import Omission, PartKind, Region
from sampler.runtime.deadlines import StillHanging, within

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Chunk:
    data: bytes
    """Fewer than were asked for: the process ended, or nothing of the rest can be read."""
    ended: bool = False


class MemoryReading:
    """One pass over chosen regions; what it found out while ``pieces`` ran.

    Args:
        memory: /proc/PID/mem, open for reading; stays the caller's.
        regions: what is to be read, by address.
        uid: whose reads these are, for the count of those that hang.
        deadline_seconds: for all of it.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        memory: int,
        regions: tuple[Mapped, ...],
        *,
        uid: int,
        deadline_seconds: float = CAPTURE_DEADLINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kept: list[tuple[Mapped, Region]] = []
        """Each region of which something was read, and where it lies among the pieces."""
        self.ended = False
        """Whether the process ended, or ran another program, before all was read."""
        self._memory = memory
        self._regions = regions
        self._uid = uid
        self._clock = clock
        self._give_up_at = clock() + deadline_seconds
        self._failed: list[tuple[int, int, str]] = []
        self._offset = 0

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in chunks."""
        for number, region in enumerate(self._regions):
            if self.ended or self._clock() > self._give_up_at:
                why = "the process ended" if self.ended else "the capture ran past its deadline"
                self._failed += [(rest.start, rest.size, why) for rest in self._regions[number:]]
                return
            before = self._offset
            yield from self._region(region)
            if self._offset > before:
                place = Region(PartKind.MEMORY, region.name, before, self._offset - before)
                self.kept.append((region, place))

    def omissions(self) -> tuple[Omission, ...]:
        """Every stretch that could not be read, and why."""
        named = self._failed[:FAILED_RANGES_MAX_COUNT]
        omissions = [Omission(f"memory:{address:x}+{length}", why) for address, length, why in named]
        if rest := self._failed[FAILED_RANGES_MAX_COUNT:]:
            length = sum(length for _, length, _ in rest)
            omissions.append(Omission("memory", f"{len(rest)} further stretches, {length} bytes, could not be read"))
        return tuple(omissions)

    def _region(self, region: Mapped) -> Iterator[bytes]:
        for address in range(region.start, region.end, COPY_CHUNK_BYTES):
            length = min(COPY_CHUNK_BYTES, region.end - address)
            chunk = self._chunk(address, length)
            if chunk.data:
                self._offset += len(chunk.data)
                yield chunk.data
            if len(chunk.data) < length:
                self.ended = chunk.ended
                rest = address + len(chunk.data)
                why = "the process ended" if chunk.ended else "it could not be read, nor was what follows tried"
                self._failed.append((rest, region.end - rest, why))
                return

    def _chunk(self, address: int, length: int) -> _Chunk:
        work = partial(_read, self._memory, address, length)
        try:
            data, failed, ended = within(work, uid=self._uid, deadline_seconds=MEMORY_READ_SECONDS, discard=_forget)
        except (TimeoutError, StillHanging):
            return _Chunk(b"")
        if sum(size for _, size in failed) >= len(data):
            return _Chunk(b"", ended)
        self._failed += [(start, size, "it could not be read; zeros stand for it") for start, size in failed]
        return _Chunk(data, ended)


def _read(memory: int, address: int, length: int) -> tuple[bytes, list[tuple[int, int]], bool]:
    """The bytes with zeros for what cannot be read, the stretches of these, and whether the process has ended."""
    data = bytearray()
    failed: list[tuple[int, int]] = []
    while len(data) < length:
        here = address + len(data)
        try:
            piece = os.pread(memory, length - len(data), here)
        except OSError:
            page = min(_PAGE_BYTES - here % _PAGE_BYTES, length - len(data))
            _add(failed, here, page)
            piece = bytes(page)
        if not piece:
            return bytes(data), failed, True
        data += piece
    return bytes(data), failed, False


def _add(failed: list[tuple[int, int]], address: int, length: int) -> None:
    """Keep a stretch, joined to the one that it follows."""
    if failed and sum(failed[-1]) == address:
        failed[-1] = (failed[-1][0], failed[-1][1] + length)
    else:
        failed.append((address, length))


def _forget(_late: object) -> None:
    """What comes too late is not needed."""
