"""Proofs about a log, against the known tree of Certificate Transparency and against every forgery we can think of."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.queue.log_tree import NodePlace, appended, consistency, inclusion, root
from sampler.wire.log_proofs import EMPTY_ROOT, is_extended, is_included

# The eight leaves that implementations of RFC 6962 share as their example, and the roots of their first n.
LEAVES = tuple(
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


class Log:
    """A log in memory."""

    def __init__(self, leaves: tuple[bytes, ...] | list[bytes]) -> None:
        self.leaves = list(leaves)
        self.stored: dict[NodePlace, bytes] = {}
        for position, leaf in enumerate(leaves):
            self.stored.update(appended(leaf, position, self.node))

    def node(self, level: int, index: int) -> bytes:
        return self.stored[level, index]

    def root(self, size: int) -> bytes:
        return root(size, self.node)


LOG = Log(LEAVES)
LOGS = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


def by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + by_the_book(leaves[:split]) + by_the_book(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    """Each prefix of the shared example has the root that everybody's has."""
    assert LOG.root(size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("position", "size", "path"),
    [
        (0, 1, ()),
        (0, 8, (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        )),
        (5, 8, (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        )),
        (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
        (1, 5, (
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        )),
    ],
)  # fmt: skip
def test_known_inclusion_proofs(position: int, size: int, path: tuple[str, ...]) -> None:
    """The proofs of the shared example, made and checked."""
    made = inclusion(position, size, LOG.node)
    assert tuple(node.hex() for node in made) == path
    assert is_included(LEAVES[position], position, size, bytes.fromhex(ROOTS[size - 1]), made)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        (1, 1, ()),
        (1, 8, (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        )),
        (6, 8, (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        )),
        (2, 5, (
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        )),
    ],
)  # fmt: skip
def test_known_consistency_proofs(first: int, second: int, path: tuple[str, ...]) -> None:
    """The proofs of the shared example, made and checked."""
    made = consistency(first, second, LOG.node)
    assert tuple(node.hex() for node in made) == path
    assert is_extended(first, bytes.fromhex(ROOTS[first - 1]), second, bytes.fromhex(ROOTS[second - 1]), made)


@given(leaves=LOGS)
def test_roots_of_every_prefix(leaves: list[bytes]) -> None:
    """Stored nodes make the root that the definition makes, also for sizes that are past."""
    log = Log(leaves)
    assert all(log.root(size) == by_the_book(leaves[:size]) for size in range(len(leaves) + 1))


@given(leaves=LOGS, data=st.data())
def test_every_leaf_is_included_where_it_stands_and_nowhere_else(leaves: list[bytes], data: st.DataObject) -> None:
    """A proof holds for its leaf, place, size and root; with any one of them changed it does not."""
    log = Log(leaves)
    size = data.draw(st.integers(1, len(leaves)))
    position = data.draw(st.integers(0, size - 1))
    path = inclusion(position, size, log.node)
    assert is_included(leaves[position], position, size, log.root(size), path)
    assert not is_included(leaves[position] + b"!", position, size, log.root(size), path)
    assert not is_included(leaves[position], position, size, EMPTY_ROOT, path)
    assert not is_included(leaves[position], size, size, log.root(size), path)
    assert not is_included(leaves[position], position, size, log.root(size), (*path, EMPTY_ROOT))
    assert not path or not is_included(leaves[position], position, size, log.root(size), path[:-1])
    other = data.draw(st.integers(0, size - 1))
    if leaves[other] != leaves[position]:
        assert not is_included(leaves[position], other, size, log.root(size), inclusion(other, size, log.node))


@given(leaves=LOGS, data=st.data())
def test_every_prefix_is_consistent(leaves: list[bytes], data: st.DataObject) -> None:
    """Each size of a log is proven to begin with each smaller one."""
    log = Log(leaves)
    second = data.draw(st.integers(0, len(leaves)))
    first = data.draw(st.integers(0, second))
    path = consistency(first, second, log.node)
    assert is_extended(first, log.root(first), second, log.root(second), path)


@given(leaves=LOGS, data=st.data())
def test_no_forged_history_is_consistent(leaves: list[bytes], data: st.DataObject) -> None:
    """A log in which an earlier leaf is another one is never proven, by its own proof or by one that was bent."""
    log = Log(leaves)
    second = data.draw(st.integers(1, len(leaves)))
    first = data.draw(st.integers(1, second))
    changed = data.draw(st.integers(0, first - 1))
    forged = Log([leaf + b"!" if place == changed else leaf for place, leaf in enumerate(leaves)])
    for path in (consistency(first, second, forged.node), consistency(first, second, log.node)):
        assert not is_extended(first, log.root(first), second, forged.root(second), path)
        if path:
            bent = data.draw(st.integers(0, len(path) - 1))
            nodes = [EMPTY_ROOT if place == bent else node for place, node in enumerate(path)]
            assert not is_extended(first, log.root(first), second, log.root(second), nodes)
            assert not is_extended(first, log.root(first), second, log.root(second), path[:bent])


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [(3, 2, ()), (-1, 2, ()), (2, 4, ()), (0, 4, (EMPTY_ROOT,)), (4, 4, (EMPTY_ROOT,)), (1, 2, (EMPTY_ROOT,) * 200)],
)
def test_what_is_no_proof(first: int, second: int, path: tuple[bytes, ...]) -> None:
    """Sizes that do not fit, proofs where none belongs, none where one does, and ones without end."""
    assert not is_extended(first, LOG.root(max(first, 0)), second, LOG.root(second), path)


def test_a_log_without_leaves() -> None:
    """It has the root of nothing, and every log begins with it."""
    assert root(0, LOG.node) == EMPTY_ROOT
    assert is_extended(0, EMPTY_ROOT, 8, LOG.root(8), ())
    assert not is_extended(0, LOG.root(1), 8, LOG.root(8), ())
    assert not is_included(b"", 0, 0, EMPTY_ROOT, ())
