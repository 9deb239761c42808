"""The bounded copy: every byte is hashed as it is written, none is read twice, at most one is read too many.

A clone is read from itself: what is hashed are always the bytes that are kept.

The size that fstat(2) told bounds what is read; the one byte beyond it is how growth is noticed. So a file that lies
about its size (``/proc``, ``/sys``) costs one byte, and one that shrinks ends where it ends.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Failure
from sampler.snapshot import failures
from sampler.snapshot.opening import Opened
from sampler.snapshot.stores import Store, clone, set_length, write_at

_ZEROS: Final = bytes(COPY_CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a copy may proceed."""

    deadline_seconds: float
    clock: Callable[[], float] = time.monotonic
    chunk_bytes: int = COPY_CHUNK_BYTES
    on_chunk: Callable[[int], None] = lambda _: None
    """Called after each chunk with the bytes copied so far."""

    def __post_init__(self) -> None:
        if not 0 < self.chunk_bytes <= COPY_CHUNK_BYTES:
            raise ValueError(f"a chunk has 1 to {COPY_CHUNK_BYTES} bytes, not {self.chunk_bytes}")


def copy(opened: Opened, store: Store, pace: Pace) -> str | Failure:
    """Copy or clone all of an opened file; the SHA-256 of the copy, lower-case hexadecimal, or why there is none.

    Raises:
        SpoolFull, SpoolError: the copy cannot be written.
    """
    if clone(store, opened.descriptor):
        return _read(opened, store.descriptor, pace, lambda _chunk, _offset: None)
    digest = _read(opened, opened.descriptor, pace, partial(_keep, store))
    if isinstance(digest, str):
        set_length(store, opened.stat.size)
    return digest


def _read(opened: Opened, source: int, pace: Pace, keep: Callable[[bytes, int], None]) -> str | Failure:
    """Hash all bytes of ``source``, each chunk given to ``keep`` first; a failure unless they are as many as told."""
    size, digest, offset = opened.stat.size, hashlib.sha256(), 0
    give_up_at = pace.clock() + pace.deadline_seconds
    while offset <= size:
        if pace.clock() > give_up_at:
            return failures.deadline(opened.path, pace.deadline_seconds)
        try:
            chunk = os.pread(source, min(pace.chunk_bytes, size + 1 - offset), offset)
        except OSError as error:
            return failures.of_reading(opened.path, error)
        if not chunk:
            break
        keep(chunk, offset)
        digest.update(chunk)
        offset += len(chunk)
        pace.on_chunk(offset)
    return digest.hexdigest() if offset == size else failures.changed(opened.path, size, offset)


def _keep(store: Store, chunk: bytes, offset: int) -> None:
    """Write a chunk, unless it is all zeros: a sparse file must not fill the disk."""
    if chunk != _ZEROS[: len(chunk)]:
        write_at(store, chunk, offset)
