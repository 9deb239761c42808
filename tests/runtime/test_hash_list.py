"""A list of hashes in one file: what is in it is found, and hardly anything else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.runtime.hash_list import HashList, Shape, build, read_hashes

Digests = st.sets(st.binary(min_size=32, max_size=32), max_size=300)


def listed(digests: set[bytes], suffix_bytes: int = 10) -> HashList:
    shape, pieces = build(sorted(digests), suffix_bytes)
    return HashList(shape, b"".join(pieces))


def digests_of(first: int, count: int) -> set[bytes]:
    return {hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(first, first + count)}


@settings(deadline=None)
@given(digests=Digests, others=Digests)
def test_what_is_listed_is_found_and_nothing_else(digests: set[bytes], others: set[bytes]) -> None:
    """Also hashes that are not spread evenly, as a test's are, where only the kept bits tell them apart."""
    made = listed(digests)
    assert all(digest in made for digest in digests)
    kept = {made.shape.split(digest) for digest in digests}
    assert all((other in made) == (made.shape.split(other) in kept) for other in others)


def test_neighbours_and_ends() -> None:
    """The first and the last hash that there can be, and those beside a listed one."""
    middle = bytes([0x7F]) + bytes(31)
    made = listed({bytes(32), middle, b"\xff" * 32})
    assert all(digest in made for digest in (bytes(32), middle, b"\xff" * 32))
    assert (middle[:9] + b"\x01" + middle[10:]) not in made
    assert bytes(9) + b"\x01" + bytes(22) not in made


def test_an_empty_list() -> None:
    """Has nothing, and is a list all the same."""
    made = listed(set())
    assert made.shape.size == 8
    assert bytes(32) not in made


@pytest.mark.parametrize("suffix_bytes", [1, 2])
def test_the_rate_of_false_positives_is_as_computed(suffix_bytes: int) -> None:
    """Where it is high enough to be measured; with the suffixes that are used it is 2 ** 64 times smaller and more."""
    made = listed(digests_of(0, 20_000), suffix_bytes)
    strangers = digests_of(1_000_000, 20_000)
    expected = 20_000 * made.shape.false_positives
    found = sum(stranger in made for stranger in strangers)
    assert abs(found - expected) < 6 * expected**0.5 + 3


def test_how_large_it_is() -> None:
    """Ten bytes a hash, and hardly anything beside them."""
    shape = Shape.of(1_000_000, 10)
    assert shape.bucket_bits == 14
    assert shape.size == 10_000_000 + 4 * (2**14 + 1)
    assert shape.false_positives < 2**-73


@pytest.mark.parametrize("change", [b"", b"\0"])
def test_a_list_of_another_length_is_none(change: bytes) -> None:
    """It was cut off, or something was put behind it."""
    shape, pieces = build(sorted(digests_of(0, 100)), 4)
    data = b"".join(pieces)
    with pytest.raises(ValueError, match="bytes"):
        HashList(shape, data[:-1] if not change else data + change)


@settings(deadline=None)
@given(damage=st.binary(min_size=1, max_size=64), at=st.integers(0, 400))
def test_damage_never_reads_outside(damage: bytes, at: int) -> None:
    """Whatever stands in it: an answer, and no error."""
    shape, pieces = build(sorted(digests_of(0, 100)), 4)
    data = bytearray(b"".join(pieces))
    data[at : at + len(damage)] = damage[: max(len(data) - at, 0)]
    made = HashList(shape, bytes(data[: shape.size]).ljust(shape.size, b"\0"))
    assert {digest in made for digest in digests_of(0, 20)} <= {True, False}


def test_hashes_have_to_be_sorted_and_whole() -> None:
    """What is not is refused before anything is written."""
    first, second = sorted(digests_of(0, 2))
    for wrong in ([second, first], [first, first], [first[:31]]):
        with pytest.raises(ValueError, match=r"hash|SHA-256"):
            build(wrong, 10)


def test_shapes_that_are_none() -> None:
    """Numbers from outside are held to what a list can be."""
    for entries, bits, suffix in ((-1, 0, 1), (1 << 32, 0, 1), (1, 25, 1), (1, 0, 0), (1, 0, 17)):
        with pytest.raises(ValueError, match="list"):
            Shape(entries, bits, suffix)


def test_lists_for_people() -> None:
    """As sha256sum prints them, with remarks, empty lines and quotes; what is no hash is named by its line."""
    a, b = (digest.hex() for digest in sorted(digests_of(0, 2)))
    lines = ["# remark\n", "\n", f"{a}  /bin/true\n", f'"{b.upper()}",1\n'.replace(",1", ", 1"), f"\\{a} *odd\\nname\n"]
    assert [digest.hex() for digest in read_hashes(lines)] == [a, b, a]
    with pytest.raises(ValueError, match="line 2 does not begin with a SHA-256: 'nonsense'"):
        list(read_hashes([f"{a}\n", "nonsense\n"]))
