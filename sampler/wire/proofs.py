"""Proof that a part belongs to a whole that nobody but its host has: a Merkle tree over the whole's bytes.

The tree is that of Certificate Transparency (RFC 9162, section 2.1.1), over SHA-256: ``SHA-256(0x00 || leaf)`` for a
leaf, ``SHA-256(0x01 || left || right)`` for a node, a list of n leaves split at the largest power of two below n. It is
the one whose second-preimage resistance is argued in public and that has no special case for odd numbers of leaves. The
leaves are consecutive stretches of ``leaf_bytes(size)`` bytes, the last one shorter.

A part rarely begins and ends with a leaf, so its proof brings the rest of its first and last leaf along (``before``,
``after``), and the nodes beside its leaves, from left to right. The root names the same bytes as the SHA-256 of the
whole because both were computed by the host from one snapshot; whoever gets the whole later can compute both again. It
says nothing of the whole's size, which is the manifest's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sampler.limits import KIB, PROOF_NODES_MAX_COUNT
from sampler.model import Proof

HASH_BYTES: Final = 32
_LEAF_MIN_BYTES: Final = 1 * KIB
_LEAVES_MAX_COUNT: Final = 256 * KIB


def leaf_bytes(size: int) -> int:
    """Length of the leaves of an object of ``size`` bytes: 1 KiB up to 256 MiB, then doubled as often as needed."""
    length = _LEAF_MIN_BYTES
    while size > length * _LEAVES_MAX_COUNT:
        length *= 2
    return length


class TreeHasher:
    """Hashes the leaves of an object whose bytes come in chunks of any length.

    Args:
        size: of the whole object, in bytes; it sets the length of leaves.
    """

    def __init__(self, size: int) -> None:
        self.leaf_bytes = leaf_bytes(size)
        self._leaves = bytearray()
        self._rest = bytearray()

    def update(self, chunk: bytes) -> None:
        """Take the next bytes of the object."""
        view = memoryview(chunk)
        if self._rest:
            missing = self.leaf_bytes - len(self._rest)
            self._rest += view[:missing]
            view = view[missing:]
            if len(self._rest) < self.leaf_bytes:
                return
            self._leaves += leaf_hash(self._rest)
            self._rest.clear()
        whole = len(view) - len(view) % self.leaf_bytes
        for start in range(0, whole, self.leaf_bytes):
            self._leaves += leaf_hash(view[start : start + self.leaf_bytes])
        self._rest += view[whole:]

    def tree(self) -> Tree:
        """The tree over everything so far."""
        rest = leaf_hash(self._rest) if self._rest else b""
        return Tree(self.leaf_bytes, bytes(self._leaves + rest))


@dataclass(frozen=True, slots=True)
class Tree:
    """The leaves of one object, hashed."""

    leaf_bytes: int
    leaves: bytes
    """One hash after the other."""

    @property
    def root(self) -> str:
        """The root, lower-case hexadecimal."""
        return _root(self.leaves).hex()

    def nodes(self, offset: int, length: int) -> tuple[bytes, ...]:
        """The nodes beside the leaves of a stretch of at least one byte, from left to right."""
        first, last = offset // self.leaf_bytes, (offset + length - 1) // self.leaf_bytes
        return tuple(_beside(self.leaves, 0, len(self.leaves) // HASH_BYTES, first, last + 1))


def edges(offset: int, length: int, size: int) -> tuple[int, int]:
    """How many bytes lie before a stretch in its first leaf, and behind it in its last one."""
    leaf = leaf_bytes(size)
    end = offset + length
    return offset % leaf, min(-end % leaf, size - end)


def belongs(root: str, size: int, offset: int, part: Iterable[bytes], proof: Proof) -> bool:
    """Whether a part's bytes lie at ``offset`` of the whole of ``size`` bytes that ``root`` names.

    Args:
        root: hexadecimal, from the manifest.
        size: of the whole, in bytes.
        offset: where the part is said to lie.
        part: its bytes, in chunks; read to their end.
        proof: what came with it; not trusted.
    """
    hasher = TreeHasher(size)
    hasher.update(proof.before)
    length = 0
    for chunk in part:
        length += len(chunk)
        hasher.update(chunk)
    hasher.update(proof.after)
    if length == 0 or offset + length > size or len(proof.nodes) > PROOF_NODES_MAX_COUNT:
        return False
    if (len(proof.before), len(proof.after)) != edges(offset, length, size):
        return False
    leaves = hasher.tree().leaves
    first = offset // hasher.leaf_bytes
    total = -(-size // hasher.leaf_bytes)
    nodes = iter(proof.nodes)
    try:
        computed = _climb(leaves, 0, total, first, nodes)
    except StopIteration:
        return False
    return next(nodes, None) is None and computed.hex() == root


def leaf_hash(data: bytes | bytearray | memoryview) -> bytes:
    """The hash of a leaf (RFC 9162, section 2.1.1)."""
    digest = hashlib.sha256(b"\0")
    digest.update(data)
    return digest.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _root(leaves: bytes) -> bytes:
    """Level by level: a node without a right sibling moves up as it is, which makes the same tree as the splitting."""
    level = [leaves[start : start + HASH_BYTES] for start in range(0, len(leaves), HASH_BYTES)]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        paired = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def _beside(leaves: bytes, low: int, high: int, first: int, last: int) -> Iterator[bytes]:
    """The roots of the largest subtrees of ``[low, high)`` that hold no leaf of ``[first, last)``."""
    if last <= low or high <= first:
        yield _root(leaves[low * HASH_BYTES : high * HASH_BYTES])
    elif first > low or high > last:
        middle = low + _split(high - low)
        yield from _beside(leaves, low, middle, first, last)
        yield from _beside(leaves, middle, high, first, last)


def _climb(leaves: bytes, low: int, high: int, first: int, nodes: Iterator[bytes]) -> bytes:
    """The root of ``[low, high)`` from the leaves of the part, which begin at ``first``, and the nodes beside them.

    Raises:
        StopIteration: nodes are missing.
    """
    last = first + len(leaves) // HASH_BYTES
    if last <= low or high <= first:
        return next(nodes)
    if first <= low and high <= last:
        return _root(leaves[(low - first) * HASH_BYTES : (high - first) * HASH_BYTES])
    middle = low + _split(high - low)
    left = _climb(leaves, low, middle, first, nodes)
    return node_hash(left, _climb(leaves, middle, high, first, nodes))
