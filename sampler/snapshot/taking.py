"""Taking a snapshot: open, check the size, copy, close for writing."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from sampler.limits import COPY_CHUNK_BYTES, MEMORY_SNAPSHOT_MAX_BYTES, OBJECT_MAX_BYTES, SNAPSHOT_DEADLINE_SECONDS
from sampler.model import Candidate, DescriptorSource, Failure, FileStat, Snapshot
from sampler.runtime.deadlines import StillHanging, within
from sampler.snapshot import failures
from sampler.snapshot.copying import Pace, copy
from sampler.snapshot.opening import Opened, close_aside, open_source
from sampler.snapshot.stores import FileStore, MemoryStore, Store, cannot_keep, close_for_writing, write_at

_NO_FILE: Final = FileStat(0, 0, 0, 0, 0, 0, 0, 0, 0)


class SnapshotTaker:
    """Takes snapshots. Blocking; any number of threads may use one taker.

    Args:
        folder: on the spool's file system; objects above ``MEMORY_SNAPSHOT_MAX_BYTES`` become unnamed files there.
        max_bytes: the largest object that is taken.
        deadline_seconds: how long the copying of one object may take.
        chunk_bytes: how much is read at a time.
        clock: monotonic seconds.
        on_chunk: called after each chunk with the bytes copied so far.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = OBJECT_MAX_BYTES,
        deadline_seconds: float = SNAPSHOT_DEADLINE_SECONDS,
        chunk_bytes: int = COPY_CHUNK_BYTES,
        clock: Callable[[], float] = time.monotonic,
        on_chunk: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._pace = Pace(deadline_seconds, clock, chunk_bytes, on_chunk)

    def take(self, candidate: Candidate) -> Snapshot | Failure:
        """Take a snapshot, or say why this object has none; a ``DescriptorSource``'s descriptor is closed either way.

        Raises:
            SpoolFull: there is no room for the copy.
            SpoolError: the copy cannot be written.
        """
        opened = open_source(candidate)
        if isinstance(opened, Failure):
            return opened
        work = partial(self._copy_and_close, opened, is_file=_is_file(candidate))
        return self._within(work, opened, candidate.peer.uid) if opened.may_hang else work()

    def keep(self, content: bytes) -> Snapshot:
        """A snapshot of bytes that no file holds; its times and owner mean nothing.

        Raises:
            SpoolFull, SpoolError: as ``take``.
        """
        return self.keep_pieces((content,), expected_bytes=len(content))

    def keep_pieces(self, pieces: Iterable[bytes], *, expected_bytes: int) -> Snapshot:
        """As ``keep``, of bytes that come one after the other.

        Args:
            pieces: each is written and hashed before the next is asked for.
            expected_bytes: about how many there will be; it decides where they are kept.
        """
        store = self._store(expected_bytes)
        digest, size = hashlib.sha256(), 0
        try:
            for piece in pieces:
                write_at(store, piece, size)
                digest.update(piece)
                size += len(piece)
            return Snapshot(close_for_writing(store), size, digest.hexdigest(), _NO_FILE, is_file=False)
        except BaseException:
            store.discard()
            raise

    def _within(self, work: Callable[[], Snapshot | Failure], opened: Opened, uid: int) -> Snapshot | Failure:
        deadline_seconds = self._pace.deadline_seconds
        try:
            return within(work, uid=uid, deadline_seconds=deadline_seconds, discard=_discard)
        except StillHanging as error:
            close_aside(opened.descriptor)
            return failures.hanging(opened.path, str(error))
        except TimeoutError:
            return failures.deadline(opened.path, deadline_seconds)

    def _copy_and_close(self, opened: Opened, *, is_file: bool) -> Snapshot | Failure:
        try:
            return self._copy(opened, is_file=is_file)
        finally:
            os.close(opened.descriptor)

    def _copy(self, opened: Opened, *, is_file: bool) -> Snapshot | Failure:
        if opened.stat.size > self._max_bytes:
            return failures.too_large(opened.path, opened.stat.size, self._max_bytes)
        store = self._store(opened.stat.size)
        try:
            copied = copy(opened, store, self._pace)
            if isinstance(copied, Failure):
                store.discard()
                return copied
            return Snapshot(
                close_for_writing(store), opened.stat.size, copied, opened.stat, opened.path, is_file=is_file
            )
        except BaseException:
            store.discard()
            raise

    def _store(self, size: int) -> Store:
        try:
            return MemoryStore() if size <= MEMORY_SNAPSHOT_MAX_BYTES else FileStore(self._folder)
        except OSError as error:
            raise cannot_keep(error) from error


def _is_file(candidate: Candidate) -> bool:
    return not isinstance(candidate.source, DescriptorSource) or candidate.source.is_file


def release(snapshot: Snapshot) -> None:
    """Give a snapshot back; its bytes are gone with its last descriptor."""
    os.close(snapshot.descriptor)


def _discard(late: Snapshot | Failure) -> None:
    if isinstance(late, Snapshot):
        release(late)


def abandon(candidate: Candidate) -> None:
    """Close what a candidate brought along, for the case that no snapshot is taken of it at all."""
    if isinstance(candidate.source, DescriptorSource):
        close_aside(candidate.source.descriptor)
