"""Reading a snapshot by offset, any number of readers at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Proof, Snapshot
from sampler.wire.proofs import Tree, TreeHasher, edges


@dataclass(frozen=True, slots=True)
class Hashes:
    """The names that other collections know an object by, lower-case hexadecimal, and the tree that proves parts."""

    md5: str
    sha1: str
    tree: Tree
    """The Merkle tree over all bytes."""


def read_range(snapshot: Snapshot, offset: int, length: int) -> Iterator[bytes]:
    """The bytes from ``offset`` on, ``length`` of them, in chunks of at most ``COPY_CHUNK_BYTES``.

    Raises:
        ValueError: the range is not inside the snapshot; raised at the call, before the first chunk.
    """
    if offset < 0 or length < 0 or offset + length > snapshot.size:
        raise ValueError(f"bytes {offset} to {offset + length} are not all in an object of {snapshot.size} bytes")
    return _chunks(snapshot.descriptor, offset, offset + length)


def _chunks(descriptor: int, offset: int, end: int) -> Iterator[bytes]:
    while offset < end:
        chunk = os.pread(descriptor, min(COPY_CHUNK_BYTES, end - offset), offset)
        if not chunk:
            raise EOFError(f"a snapshot ended at {offset}, {end - offset} bytes early: its disk has lost them")
        offset += len(chunk)
        yield chunk


def hash_range(snapshot: Snapshot, offset: int, length: int) -> str:
    """The SHA-256 of a range, lower-case hexadecimal.

    Raises:
        ValueError: the range is not inside the snapshot.
    """
    digest = hashlib.sha256()
    for chunk in read_range(snapshot, offset, length):
        digest.update(chunk)
    return digest.hexdigest()


def hashes(snapshot: Snapshot) -> Hashes:
    """MD5, SHA-1 and Merkle tree of all bytes, in one pass."""
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    tree = TreeHasher(snapshot.size)
    for chunk in read_range(snapshot, 0, snapshot.size):
        md5.update(chunk)
        sha1.update(chunk)
        tree.update(chunk)
    return Hashes(md5.hexdigest(), sha1.hexdigest(), tree.tree())


def prove(snapshot: Snapshot, tree: Tree, offset: int, length: int) -> Proof:
    """The proof that a stretch of at least one byte belongs to the snapshot.

    Raises:
        ValueError: the stretch is not inside the snapshot.
    """
    before, after = edges(offset, length, snapshot.size)
    return Proof(
        b"".join(read_range(snapshot, offset - before, before)),
        b"".join(read_range(snapshot, offset + length, after)),
        tree.nodes(offset, length),
    )
