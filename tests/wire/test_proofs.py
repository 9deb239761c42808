"""Merkle trees over objects, and proofs that parts belong to them."""

from __future__ import annotations

import hashlib
import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import GIB, MIB, OBJECT_MAX_BYTES, PROOF_EDGE_MAX_BYTES, PROOF_NODES_MAX_COUNT
from sampler.model import Proof
from sampler.wire.proofs import Tree, TreeHasher, belongs, edges, leaf_bytes


def tree_of(data: bytes) -> Tree:
    hasher = TreeHasher(len(data))
    hasher.update(data)
    return hasher.tree()


def root_by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root_by_the_book(leaves[:split]) + root_by_the_book(leaves[split:])).digest()


def proof_of(data: bytes, offset: int, length: int) -> Proof:
    before, after = edges(offset, length, len(data))
    end = offset + length
    return Proof(data[offset - before : offset], data[end : end + after], tree_of(data).nodes(offset, length))


DATA = random.Random(1).randbytes(20_000)
STRETCHES = st.tuples(st.integers(0, len(DATA) - 1), st.integers(1, len(DATA))).map(
    lambda pair: (pair[0], min(pair[1], len(DATA) - pair[0]))
)


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 2048, 3000, 5 * 1024, 7 * 1024 + 1, 20_000])
def test_the_root_is_that_of_the_rfc(size: int) -> None:
    """Any number of leaves, whole and not, makes the root that the definition makes."""
    data = DATA[:size]
    leaves = [data[start : start + 1024] for start in range(0, size, 1024)]
    assert tree_of(data).root == root_by_the_book(leaves).hex()


@given(cuts=st.lists(st.integers(0, len(DATA)), max_size=12))
def test_chunks_of_any_length_make_the_same_tree(cuts: list[int]) -> None:
    """How the bytes come does not matter."""
    hasher = TreeHasher(len(DATA))
    places = [0, *sorted(cuts), len(DATA)]
    for start, end in itertools.pairwise(places):
        hasher.update(DATA[start:end])
    assert hasher.tree() == tree_of(DATA)


@given(stretch=STRETCHES)
def test_a_part_is_proven_without_the_whole(stretch: tuple[int, int]) -> None:
    """Every stretch of an object is shown to lie where it lies, by its own bytes, the root and a short proof."""
    offset, length = stretch
    proof = proof_of(DATA, offset, length)
    part = DATA[offset : offset + length]
    assert belongs(tree_of(DATA).root, len(DATA), offset, [part[:100], part[100:]], proof)
    assert len(proof.nodes) <= PROOF_NODES_MAX_COUNT
    assert max(len(proof.before), len(proof.after)) < 1024


@given(stretch=STRETCHES, place=st.integers(0, 10**6), lie=st.sampled_from(["byte", "offset", "node", "edge"]))
def test_a_lie_is_not_proven(stretch: tuple[int, int], place: int, lie: str) -> None:
    """Another byte, place, node or edge, however small the difference, and the proof does not hold."""
    offset, length = stretch
    proof = proof_of(DATA, offset, length)
    part = bytearray(DATA[offset : offset + length])
    root = tree_of(DATA).root
    match lie:
        case "byte":
            part[place % length] ^= 1
        case "offset":
            offset = (offset + 1 + place % 5000) % len(DATA)
        case "node":
            nodes = list(proof.nodes) or [bytes(32)]
            nodes[place % len(nodes)] = hashlib.sha256(nodes[place % len(nodes)]).digest()
            proof = replace(proof, nodes=tuple(nodes))
        case "edge":
            proof = replace(proof, before=proof.before + b"x")
    assert not belongs(root, len(DATA), offset, [bytes(part)], proof)


def test_proofs_that_are_none() -> None:
    """Missing, further and too many nodes, no bytes at all and a place outside are no proof and no exception."""
    root = tree_of(DATA).root
    proof = proof_of(DATA, 3000, 500)
    part = DATA[3000:3500]
    assert belongs(root, len(DATA), 3000, [part], proof)
    for nodes in (proof.nodes[:-1], (*proof.nodes, bytes(32)), proof.nodes * 20, ()):
        assert not belongs(root, len(DATA), 3000, [part], replace(proof, nodes=nodes))
    assert not belongs(root, len(DATA), 3000, [], proof)
    assert not belongs(root, 3100, 3000, [part], proof)


def test_a_leaf_is_no_node() -> None:
    """Two hashes side by side are a node's content, and are not taken for a leaf's (second preimages)."""
    left, right = DATA[:1024], DATA[1024:2048]
    inner = b"".join(hashlib.sha256(b"\0" + leaf).digest() for leaf in (left, right))
    assert tree_of(inner).root != tree_of(left + right).root


def test_leaves_grow_with_the_object() -> None:
    """The tree of the largest object has as many leaves as that of one of 256 MiB, and its edges fit the wire."""
    assert leaf_bytes(0) == leaf_bytes(256 * MIB) == 1024
    assert leaf_bytes(256 * MIB + 1) == 2048
    assert leaf_bytes(4 * GIB) == leaf_bytes(OBJECT_MAX_BYTES) == PROOF_EDGE_MAX_BYTES
