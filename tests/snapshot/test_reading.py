from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sampler import snapshot
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Candidate, Failure, Snapshot
from sampler.snapshot import abandon, hash_range, hashes, read_range

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]


@pytest.fixture
def taken(tmp_path: Path, candidate: MakeCandidate, take: Take) -> Snapshot:
    (tmp_path / "file").write_bytes(b"abc")
    result = take(candidate(tmp_path / "file"))
    assert isinstance(result, Snapshot)
    return result


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 4), (3, 1), (4, 0)])
def test_ranges_outside(taken: Snapshot, offset: int, length: int) -> None:
    """A range that is not inside is refused at the call, before anything is read."""
    with pytest.raises(ValueError, match="object of 3 bytes"):
        read_range(taken, offset, length)


@pytest.mark.parametrize(("offset", "length", "data"), [(0, 3, b"abc"), (1, 1, b"b"), (3, 0, b""), (0, 0, b"")])
def test_ranges_inside(taken: Snapshot, offset: int, length: int, data: bytes) -> None:
    """A range gives its bytes, as often as one asks."""
    assert b"".join(read_range(taken, offset, length)) == data
    assert b"".join(read_range(taken, offset, length)) == data


def test_chunks_are_bounded(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """A long range comes in chunks."""
    (tmp_path / "long").write_bytes(bytes(range(256)) * 8192)
    result = take(candidate(tmp_path / "long"))
    assert isinstance(result, Snapshot)
    lengths = [len(chunk) for chunk in read_range(result, 1, COPY_CHUNK_BYTES + 1)]
    assert lengths == [COPY_CHUNK_BYTES, 1]


def test_hashes(taken: Snapshot) -> None:
    """The hashes are those that the standards give for these bytes (RFC 1321, FIPS 180-4)."""
    assert hashes(taken).md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert hashes(taken).sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert hash_range(taken, 0, 3) == taken.sha256
    assert taken.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_bytes_that_a_disk_lost(taken: Snapshot) -> None:
    """A snapshot that is shorter than it says is noticed, not taken for its end."""
    with pytest.raises(EOFError, match="1 bytes early"):
        hash_range(replace(taken, size=4), 0, 4)


def test_abandon(tmp_path: Path, candidate: MakeCandidate) -> None:
    """A candidate of which no snapshot is taken gives its descriptor back; a path has none to give."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    abandon(candidate(descriptor))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    abandon(candidate(tmp_path))


def test_what_is_public() -> None:
    """The room's public names are these."""
    assert snapshot.__all__ == [
        "Hashes",
        "OwnFile",
        "SnapshotTaker",
        "abandon",
        "hash_range",
        "hashes",
        "open_own",
        "prove",
        "read_range",
        "release",
    ]
