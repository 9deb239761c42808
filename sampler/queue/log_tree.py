"""The Merkle tree over an append-only log (RFC 9162, section 2.1), from the hashes of its complete subtrees. Pure.

A node ``(level, index)`` is the root over the leaves ``[index << level, (index + 1) << level)``; it never changes once
these are there, so storing it when its last leaf comes costs O(log n) hashes a leaf, and every root and proof of every
earlier size can be put together from O(log² n) of them without looking at a leaf again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sampler.wire.log_proofs import EMPTY_ROOT
from sampler.wire.proofs import leaf_hash, node_hash

NodePlace: TypeAlias = tuple[int, int]
"""Level, from 0 at the leaves, and index in it."""
Nodes: TypeAlias = Callable[[int, int], bytes]
"""The stored hash at a level and an index."""


def appended(leaf: bytes, position: int, nodes: Nodes) -> Mapping[NodePlace, bytes]:
    """The nodes that become complete with the leaf at ``position``, which is the log's size before it."""
    level, index, computed = 0, position, leaf_hash(leaf)
    complete = {(level, index): computed}
    while index & 1:
        computed = node_hash(nodes(level, index - 1), computed)
        level, index = level + 1, index >> 1
        complete[level, index] = computed
    return complete


def root(size: int, nodes: Nodes) -> bytes:
    """The root over the first ``size`` leaves (section 2.1.1)."""
    return _over(0, size, nodes) if size else EMPTY_ROOT


def inclusion(position: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The proof that a leaf is among the first ``size`` (section 2.1.3.1): siblings, the lowest first.

    Args:
        position: of the leaf, below ``size``.
        size: leaves of the tree that the proof is about.
        nodes: the stored hashes.
    """
    return _path(position, 0, size, nodes)


def consistency(first: int, second: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The proof that the first ``second`` leaves begin with the first ``first`` (section 2.1.4.1).

    Args:
        first: from 0 to ``second``; the empty log and the log itself need no proof, and get an empty one.
        second: leaves of the larger tree.
        nodes: the stored hashes.
    """
    return _subproof(first, 0, second, nodes, known=True) if 0 < first < second else ()


def _over(low: int, high: int, nodes: Nodes) -> bytes:
    """MTH of the leaves ``[low, high)``, where ``low`` is a multiple of the next power of two."""
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, low >> level)
    middle = low + _split(count)
    return node_hash(_over(low, middle, nodes), _over(middle, high, nodes))


def _path(position: int, low: int, high: int, nodes: Nodes) -> tuple[bytes, ...]:
    if high - low == 1:
        return ()
    middle = low + _split(high - low)
    if position < middle:
        return (*_path(position, low, middle, nodes), _over(middle, high, nodes))
    return (*_path(position, middle, high, nodes), _over(low, middle, nodes))


def _subproof(first: int, low: int, high: int, nodes: Nodes, *, known: bool) -> tuple[bytes, ...]:
    """SUBPROOF of section 2.1.4.1; ``first`` is where the smaller tree ends, ``known`` whether it has this subtree."""
    if first == high:
        return () if known else (_over(low, high, nodes),)
    middle = low + _split(high - low)
    if first <= middle:
        return (*_subproof(first, low, middle, nodes, known=known), _over(middle, high, nodes))
    return (*_subproof(first, middle, high, nodes, known=False), _over(low, middle, nodes))


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)
