"""Clones are faked at ioctl(2): few machines that run tests have a file system that shares blocks."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.limits import MEMORY_SNAPSHOT_MAX_BYTES
from sampler.model import Candidate, Failure, Snapshot

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]
FICLONE = 0x40049409
LARGE_BYTES = MEMORY_SNAPSHOT_MAX_BYTES + 4096


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of zeros, above what is kept in memory, that ends in some letters."""
    file = tmp_path / "large"
    file.touch()
    os.truncate(file, LARGE_BYTES)
    with file.open("r+b") as opened:
        opened.seek(-4, os.SEEK_END)
        opened.write(b"tail")
    return file


Cloning = Callable[[int, int], None]


@pytest.fixture
def cloning(monkeypatch: pytest.MonkeyPatch) -> Callable[[Cloning], list[int]]:
    """Let ``clone(destination, source)`` stand for what the kernel does; the list tells what was asked of it."""

    def install(clone: Cloning) -> list[int]:
        asked: list[int] = []

        def ioctl(descriptor: int, request: int, argument: int) -> int:
            asked.append(request)
            clone(descriptor, argument)
            return 0

        monkeypatch.setattr(fcntl, "ioctl", ioctl)
        return asked

    return install


def test_a_clone_is_what_is_hashed(
    large: Path, candidate: MakeCandidate, take: Take, cloning: Callable[[Cloning], list[int]]
) -> None:
    """The hash names the bytes of the clone, whatever the source holds by now, and the source is not read."""

    def clone(destination: int, source: int) -> None:
        assert os.fstat(source).st_ino == large.stat().st_ino
        os.ftruncate(destination, LARGE_BYTES)
        os.pwrite(destination, b"as cloned", 100)
        with large.open("r+b") as file:
            file.write(b"changed later")

    asked = cloning(clone)
    taken = take(candidate(large))
    assert isinstance(taken, Snapshot)
    assert asked == [FICLONE]
    content = os.pread(taken.descriptor, LARGE_BYTES + 1, 0)
    assert content[100:109] == b"as cloned"
    assert content[-4:] == bytes(4)
    assert taken.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(taken.descriptor, b"x", 0)


@pytest.mark.parametrize(
    "number", [errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.ETXTBSY, errno.ENOTTY]
)
def test_without_a_clone_bytes_are_copied(
    large: Path, candidate: MakeCandidate, take: Take, cloning: Callable[[Cloning], list[int]], number: int
) -> None:
    """Where blocks cannot be shared the bytes are copied, and nothing stays of what a clone began."""

    def clone(destination: int, _source: int) -> None:
        os.pwrite(destination, b"half a clone" * 1000, LARGE_BYTES)
        os.pwrite(destination, b"half a clone", 0)
        raise OSError(number, os.strerror(number))

    asked = cloning(clone)
    taken = take(candidate(large))
    assert isinstance(taken, Snapshot)
    assert asked == [FICLONE]
    content = os.pread(taken.descriptor, LARGE_BYTES + 100, 0)
    assert content == large.read_bytes()
    assert taken.sha256 == hashlib.sha256(content).hexdigest()


def test_small_objects_are_not_cloned(
    tmp_path: Path, candidate: MakeCandidate, take: Take, cloning: Callable[[Cloning], list[int]]
) -> None:
    """What fits into memory is copied there."""
    (tmp_path / "small").write_bytes(b"small")
    asked = cloning(lambda _destination, _source: None)
    assert isinstance(take(candidate(tmp_path / "small")), Snapshot)
    assert asked == []


@pytest.mark.parametrize("size", [LARGE_BYTES - 1, LARGE_BYTES + 1, 1 << 40])
def test_a_file_that_changed_before_it_was_cloned(
    large: Path, candidate: MakeCandidate, take: Take, cloning: Callable[[Cloning], list[int]], size: int
) -> None:
    """A clone of another size than was told is no snapshot, and no more of it is read than was told."""
    read: list[int] = []
    cloning(lambda destination, _source: os.ftruncate(destination, size))
    failure = take(candidate(large), on_chunk=read.append)
    assert isinstance(failure, Failure)
    assert failure.code == "changed"
    assert read[-1] <= LARGE_BYTES + 1


def test_the_deadline_holds_for_clones(
    large: Path, candidate: MakeCandidate, take: Take, cloning: Callable[[Cloning], list[int]]
) -> None:
    """Hashing a clone that takes too long is given up."""
    cloning(lambda destination, _source: os.ftruncate(destination, LARGE_BYTES))
    ticks = iter(range(0, 10_000, 10))
    failure = take(candidate(large), deadline_seconds=25, clock=lambda: float(next(ticks)))
    assert isinstance(failure, Failure)
    assert failure.code == "deadline"
