"""An upload in a bucket: pieces that are appended, and the same pieces as one stream of bytes that is verified."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator

from sampler.limits import CHUNK_MAX_BYTES
from sampler.storage.s3_objects import Objects
from sampler.storage.s3_parts import Piece, chain, piece_name, piece_of


class S3Partial:
    """``queue.Partial`` as pieces in a bucket; what is not synced is in memory, ``CHUNK_MAX_BYTES`` at most."""

    def __init__(self, objects: Objects, upload_key: str, offset: int) -> None:
        self._objects = objects
        self._key = upload_key
        self._unsynced = bytearray()
        self._synced = self._cut(offset)
        self.offset = self._synced

    def write(self, data: bytes) -> None:
        """Append. What fills a piece is written at once."""
        view = memoryview(data)
        while view:
            room = CHUNK_MAX_BYTES - len(self._unsynced)
            self._unsynced += view[:room]
            self.offset += len(view[:room])
            view = view[room:]
            if len(self._unsynced) == CHUNK_MAX_BYTES:
                self.sync()

    def sync(self) -> int:
        """Make durable what was written; the offset."""
        if self._unsynced:
            self._put(self._synced, bytes(self._unsynced))
            self._unsynced.clear()
            self._synced = self.offset
        return self._synced

    def rewind(self, offset: int) -> None:
        """Throw away, durably, what lies behind ``offset``."""
        if offset < self._synced:
            self._unsynced.clear()
            self._synced = self._cut(offset)
        else:
            del self._unsynced[offset - self._synced :]
        self.offset = min(offset, self._synced + len(self._unsynced))
        self.sync()

    def close(self) -> None:
        """What is not synced was promised to nobody."""
        self._unsynced.clear()

    def _cut(self, offset: int) -> int:
        """Leave the pieces that lie before ``offset``, and nothing else; where they end."""
        present = pieces_of(self._objects, self._key)
        kept = chain(present, offset)
        if kept and kept[-1].end > offset:
            last = kept[-1]
            head = self._objects.read(last.key, 0, offset - last.start)
            kept = (*kept[:-1], self._put(last.start, head))
        self._objects.remove([piece.key for piece in present if piece not in kept])
        return kept[-1].end if kept else 0

    def _put(self, start: int, data: bytes) -> Piece:
        end = start + len(data)
        key = f"{self._key}{piece_name(start, end, secrets.token_hex(8))}"
        self._objects.put(key, data)
        return Piece(start, end, key)


def pieces_of(objects: Objects, upload_key: str) -> list[Piece]:
    """All pieces of an upload."""
    found = (piece_of(key, size) for key, size in objects.listed(upload_key))
    return [piece for piece in found if piece is not None]


def stream_of(objects: Objects, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The bytes of pieces, one after the other.

    Raises:
        FileNotFoundError: one of them is gone.
    """
    for piece in pieces:
        yield from objects.stream(piece.key)


def hash_and_size(objects: Objects, pieces: Iterable[Piece]) -> tuple[str, int]:
    """SHA-256 and length of what pieces hold.

    Raises:
        FileNotFoundError: one of them is gone.
    """
    hasher, size = hashlib.sha256(), 0
    for data in stream_of(objects, pieces):
        hasher.update(data)
        size += len(data)
    return hasher.hexdigest(), size
