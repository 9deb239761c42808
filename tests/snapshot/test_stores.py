from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sampler.errors import SpoolError, SpoolFull
from sampler.limits import MEMORY_SNAPSHOT_MAX_BYTES
from sampler.model import Candidate, Failure, Snapshot
from sampler.snapshot import SnapshotTaker

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]
LARGE_BYTES = MEMORY_SNAPSHOT_MAX_BYTES + 1


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(b"\xaa" * LARGE_BYTES)
    return file


def test_small_copy_is_sealed(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """A small snapshot cannot be written, cut or extended, not even by opening it anew."""
    (tmp_path / "file").write_bytes(b"bytes")
    taken = take(candidate(tmp_path / "file"))
    assert isinstance(taken, Snapshot)
    seals = fcntl.fcntl(taken.descriptor, fcntl.F_GET_SEALS)
    assert seals == fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    for change in (lambda: os.pwrite(taken.descriptor, b"x", 0), lambda: os.ftruncate(taken.descriptor, 1)):
        with pytest.raises(PermissionError):
            change()
    assert os.pread(taken.descriptor, 10, 0) == b"bytes"


def test_large_copy_is_read_only_and_has_no_name(
    large: Path, candidate: MakeCandidate, take: Take, spool: Path
) -> None:
    """A large snapshot is a file that has no name in the spool's folder and cannot be written."""
    taken = take(candidate(large))
    assert isinstance(taken, Snapshot)
    assert list(spool.iterdir()) == []
    assert os.fstat(taken.descriptor).st_dev == spool.stat().st_dev
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(taken.descriptor, b"x", 0)
    with pytest.raises(OSError, match="Invalid argument"):
        os.ftruncate(taken.descriptor, 1)
    assert os.pread(taken.descriptor, 2, LARGE_BYTES - 1) == b"\xaa"


@pytest.mark.parametrize(("size", "seals"), [(MEMORY_SNAPSHOT_MAX_BYTES, True), (LARGE_BYTES, False)])
def test_where_a_copy_lies(tmp_path: Path, candidate: MakeCandidate, take: Take, size: int, seals: bool) -> None:
    """Up to the ceiling of memory a snapshot is in memory, and one byte above it is on disk."""
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", size)
    taken = take(candidate(tmp_path / "file"))
    assert isinstance(taken, Snapshot)
    assert str(Path(f"/proc/self/fd/{taken.descriptor}").readlink()).startswith("/memfd:") is seals


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR])
def test_folder_without_unnamed_files(
    *,
    large: Path,
    candidate: MakeCandidate,
    take: Take,
    spool: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """Where the file system makes no unnamed files, a file loses its name at once."""
    real = os.open

    def old(path: object, flags: int, *rest: int, **options: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", old)
    taken = take(candidate(large))
    assert isinstance(taken, Snapshot)
    assert os.fstat(taken.descriptor).st_nlink == 0
    assert list(spool.iterdir()) == []


@pytest.fixture
def full_disk(spool: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a disk of 1 MiB; where mounting is not allowed, one whose writes fail as they do on such a disk."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(spool)]
    if os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0:
        yield spool
        subprocess.run(["umount", str(spool)], check=True)
        return
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset >= 1 << 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    yield spool


def test_full_disk(large: Path, candidate: MakeCandidate, full_disk: Path, descriptors: Callable[[], set[int]]) -> None:
    """A copy that the disk has no room for raises SpoolFull, leaves nothing behind, and the next one succeeds."""
    before = descriptors()
    taker = SnapshotTaker(full_disk)
    with pytest.raises(SpoolFull, match="free space"):
        taker.take(candidate(large))
    assert descriptors() == before
    assert list(full_disk.iterdir()) == []
    assert os.statvfs(full_disk).f_bavail > 0


def test_full_disk_closes_the_passed_descriptor(
    large: Path, candidate: MakeCandidate, full_disk: Path, descriptors: Callable[[], set[int]]
) -> None:
    """A descriptor is closed though the copy of its file has no room."""
    before = descriptors()
    with pytest.raises(SpoolFull):
        SnapshotTaker(full_disk).take(candidate(os.open(large, os.O_RDONLY)))
    assert descriptors() == before


def test_broken_disk(tmp_path: Path, candidate: MakeCandidate, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that the disk does not take for another reason is an error, and not a full spool."""

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "file").write_bytes(b"bytes")
    monkeypatch.setattr(os, "pwrite", broken)
    with pytest.raises(SpoolError) as caught:
        take(candidate(tmp_path / "file"))
    assert not isinstance(caught.value, SpoolFull)


def test_no_spool_folder(
    large: Path, tmp_path: Path, candidate: MakeCandidate, descriptors: Callable[[], set[int]]
) -> None:
    """A spool folder that is not there is an error of the spool, and nothing stays open."""
    before = descriptors()
    with pytest.raises(SpoolError, match="cannot be written"):
        SnapshotTaker(tmp_path / "missing").take(candidate(large))
    assert descriptors() == before


def test_short_writes_are_continued(
    tmp_path: Path, candidate: MakeCandidate, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that took only some of the bytes is followed by the rest."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: real(descriptor, data[:3], offset))
    (tmp_path / "file").write_bytes(b"0123456789")
    taken = take(candidate(tmp_path / "file"))
    assert isinstance(taken, Snapshot)
    assert os.pread(taken.descriptor, 100, 0) == b"0123456789"


def test_a_seal_that_fails_keeps_nothing_open(
    tmp_path: Path,
    candidate: MakeCandidate,
    take: Take,
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Callable[[], set[int]],
) -> None:
    """A copy that cannot be closed for writing is thrown away."""

    def fail(*_: object) -> None:
        raise OSError(errno.EINVAL, "no seals")

    before = descriptors()
    (tmp_path / "file").write_bytes(b"bytes")
    monkeypatch.setattr(os, "fchmod", fail)
    with pytest.raises(SpoolError, match="no seals"):
        take(candidate(tmp_path / "file"))
    assert descriptors() == before
