"""Checking what a log says of itself: that a leaf is in it, and that it only ever grew. Pure.

The algorithms are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2, step by step, over SHA-256. Nothing of a proof is
trusted: whatever does not lead to the two roots is no proof.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from sampler.wire.proofs import leaf_hash, node_hash

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Of a log without leaves."""


def is_included(leaf: bytes, position: int, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the leaf stands at ``position`` of the log of ``size`` leaves with this root (section 2.1.3.2).

    Args:
        leaf: its bytes, not hashed.
        position: from 0.
        size: leaves of the log.
        root: 32 bytes.
        path: the inclusion proof; not trusted.
    """
    if not 0 <= position < size:
        return False
    place, last, computed = position, size - 1, leaf_hash(leaf)
    for node in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(node, computed)
            place, last = _climbed(place, last)
        else:
            computed = node_hash(computed, node)
        place, last = place >> 1, last >> 1
    return last == 0 and hmac.compare_digest(computed, root)


def is_extended(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the log of ``second`` leaves begins with the log of ``first`` leaves (section 2.1.4.2).

    Every log begins with the empty one, and with itself; neither needs a proof, and none may come with it.

    Args:
        first: leaves of the smaller log.
        first_root: its root.
        second: leaves of the larger log, at least as many.
        second_root: its root.
        path: the consistency proof; not trusted.
    """
    if first in (0, second):
        return first_root == (second_root if first == second else EMPTY_ROOT) and not path
    if not 0 < first < second or not path:
        return False
    nodes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    roots = _followed(first - 1, second - 1, nodes)
    return roots is not None and roots == (first_root, second_root)


def _followed(place: int, last: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots that a consistency proof leads to (steps 4 to 6); ``None`` when it does not end where it should."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            place, last = _climbed(place, last)
        else:
            new = node_hash(new, node)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def _climbed(place: int, last: int) -> tuple[int, int]:
    """Up to where a left sibling was joined: past the levels at which the rightmost node had none."""
    while not place & 1 and place:
        place, last = place >> 1, last >> 1
    return place, last
