from __future__ import annotations

import errno
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Candidate, Failure, ObjectState, PathSource, Peer, Reason, Snapshot
from sampler.snapshot import SnapshotTaker, hash_range, read_range, release
from sampler.snapshot.copying import Pace

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]


def code(taken: Snapshot | Failure) -> tuple[ObjectState, str]:
    assert isinstance(taken, Failure), taken
    return taken.state, taken.code


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source"
    file.write_bytes(b"0123456789")
    return file


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many bytes each pread(2) brought."""
    counts: list[int] = []
    real = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        data = real(descriptor, length, offset)
        counts.append(len(data))
        return data

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", counting)
        yield counts


def test_empty_file(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """An empty file is an object as any other."""
    (tmp_path / "empty").touch()
    taken = take(candidate(tmp_path / "empty"))
    assert isinstance(taken, Snapshot)
    assert (taken.size, taken.sha256) == (0, hashlib.sha256(b"").hexdigest())


def test_later_changes_change_nothing(source: Path, candidate: MakeCandidate, take: Take) -> None:
    """What happens to the file after the snapshot does not happen to the snapshot."""
    taken = take(candidate(source))
    source.write_bytes(b"different!")
    assert isinstance(taken, Snapshot)
    assert os.pread(taken.descriptor, 100, 0) == b"0123456789"
    assert taken.sha256 == hashlib.sha256(b"0123456789").hexdigest()


def test_file_that_grows(source: Path, candidate: MakeCandidate, take: Take, bytes_read: list[int]) -> None:
    """A file that grows while it is read has changed, and one byte past its size is all that is read to see that."""

    def grow(copied: int) -> None:
        if copied == 4:
            with source.open("ab") as file:
                file.write(bytes(1_000_000))

    assert code(take(candidate(source), chunk_bytes=4, on_chunk=grow)) == (ObjectState.CHANGED, "changed")
    assert sum(bytes_read) == 11


def test_file_that_shrinks(source: Path, candidate: MakeCandidate, take: Take) -> None:
    """A file that shrinks while it is read has changed."""

    def shrink(copied: int) -> None:
        os.truncate(source, copied)

    taken = take(candidate(source), chunk_bytes=4, on_chunk=shrink)
    assert code(taken) == (ObjectState.CHANGED, "changed")
    assert isinstance(taken, Failure)
    assert "from 10 to 4 bytes" in taken.detail


def test_file_that_is_removed_while_read(source: Path, candidate: MakeCandidate, take: Take) -> None:
    """A file that is removed while it is read is still taken whole: it was opened while it was there."""
    taken = take(candidate(source), chunk_bytes=4, on_chunk=lambda _: source.unlink(missing_ok=True))
    assert not source.exists()
    assert isinstance(taken, Snapshot)
    assert os.pread(taken.descriptor, 100, 0) == b"0123456789"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ESTALE, (ObjectState.VANISHED, "vanished")),
        (errno.EIO, (ObjectState.UNREADABLE, "read-error")),
        (errno.EAGAIN, (ObjectState.UNREADABLE, "read-error")),
    ],
)
def test_errors_of_reading(
    *,
    source: Path,
    candidate: MakeCandidate,
    take: Take,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    expected: tuple[ObjectState, str],
) -> None:
    """A file server that forgot the file means vanished, a damaged disk means unreadable."""

    def fail(*_: int) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pread", fail)
    assert code(take(candidate(source))) == expected


def test_file_that_lies_about_its_size(candidate: MakeCandidate, take: Take, bytes_read: list[int]) -> None:
    """A file that says it is empty and is not, as those of /proc, costs one byte."""
    assert code(take(candidate(b"/proc/self/maps"))) == (ObjectState.CHANGED, "changed")
    assert bytes_read == [1]


def test_over_the_ceiling(source: Path, candidate: MakeCandidate, take: Take, bytes_read: list[int]) -> None:
    """A file of exactly the ceiling is taken; one byte more is oversize, and not a byte of it is read."""
    assert isinstance(take(candidate(source), max_bytes=10), Snapshot)
    bytes_read.clear()
    assert code(take(candidate(source), max_bytes=9)) == (ObjectState.OVERSIZE, "too-large")
    assert bytes_read == []


def test_five_gigabytes_of_nothing(tmp_path: Path, candidate: MakeCandidate, take: Take, bytes_read: list[int]) -> None:
    """A sparse file of 5 GB is refused by its size, without a byte read."""
    sparse = tmp_path / "sparse"
    sparse.touch()
    os.truncate(sparse, 5 * 10**9)
    assert code(take(candidate(sparse))) == (ObjectState.OVERSIZE, "too-large")
    assert bytes_read == []


def test_sparse_file_below_the_ceiling_fills_no_disk(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """The copy of a sparse file has its size and takes no room."""
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(20 << 20)
        file.seek(18 << 20)
        file.write(b"something")
    taken = take(candidate(sparse))
    assert isinstance(taken, Snapshot)
    assert os.fstat(taken.descriptor).st_size == 20 << 20
    assert os.fstat(taken.descriptor).st_blocks * 512 <= 2 * COPY_CHUNK_BYTES
    assert taken.sha256 == hashlib.sha256(sparse.read_bytes()).hexdigest()
    assert b"".join(read_range(taken, 18 << 20, 9)) == b"something"


def test_deadline(source: Path, candidate: MakeCandidate, take: Take) -> None:
    """Copying ends at its deadline, after the chunk that ran past it."""
    ticks, copied = itertools.count(0.0, 10.0), list[int]()
    taken = take(
        candidate(source), deadline_seconds=15.0, chunk_bytes=4, clock=lambda: next(ticks), on_chunk=copied.append
    )
    assert code(taken) == (ObjectState.TIMED_OUT, "deadline")
    assert copied == [4]


def test_nothing_stays_open_when_a_copy_fails(
    source: Path, candidate: MakeCandidate, take: Take, descriptors: Callable[[], set[int]]
) -> None:
    """Neither the file nor the half copy stays open, whatever stops the copying."""
    before = descriptors()
    take(candidate(source), chunk_bytes=4, on_chunk=lambda copied: os.truncate(source, copied))

    def burst(_: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        take(candidate(source), on_chunk=burst)
    assert descriptors() == before


@pytest.mark.parametrize("chunk_bytes", [0, -1, COPY_CHUNK_BYTES + 1])
def test_chunks_have_a_size(chunk_bytes: int) -> None:
    """A chunk of nothing would copy for ever, one of any size would fill memory."""
    with pytest.raises(ValueError, match="a chunk has"):
        Pace(1.0, chunk_bytes=chunk_bytes)


RUNS = st.lists(st.tuples(st.sampled_from([b"\0", b"\0", b"a", b"\xff"]), st.integers(1, 40)), max_size=12)


@settings(deadline=None)
@given(runs=RUNS, chunk_bytes=st.integers(1, 64), place=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_byte_arrives(runs: list[tuple[bytes, int]], chunk_bytes: int, place: tuple[float, float]) -> None:
    """Whatever the bytes and however they are cut, the copy has them all, and its ranges are theirs."""
    data = b"".join(byte * length for byte, length in runs)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        file.write_bytes(data)
        taken = SnapshotTaker(Path(folder), chunk_bytes=chunk_bytes).take(_of(file))
    assert isinstance(taken, Snapshot)
    try:
        assert (taken.size, taken.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        start, end = sorted(int(share * len(data)) for share in place)
        assert b"".join(read_range(taken, start, end - start)) == data[start:end]
        assert hash_range(taken, start, end - start) == hashlib.sha256(data[start:end]).hexdigest()
    finally:
        release(taken)


def _of(file: Path) -> Candidate:
    source, peer = PathSource(os.fsencode(file)), Peer(os.geteuid(), os.getegid(), 1)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return Candidate("00000000-0000-0000-0000-000000000000", now, Reason.DETECTION, peer, source)
