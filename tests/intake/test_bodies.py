from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.errors import QueueBusy, SpoolFull
from sampler.intake import AgentClient, LocalServer
from sampler.intake.bodies import BodyFile
from sampler.limits import MEMORY_SNAPSHOT_MAX_BYTES
from sampler.wire.agent_messages import FlagRequest

Serve = Callable[..., Awaitable[LocalServer]]


@pytest.fixture
def full_disk(spool: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a disk of 1 MiB; where mounting is not allowed, one whose writes fail as they do on such a disk."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(spool)]
    if os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0:
        yield spool
        subprocess.run(["umount", str(spool)], check=True)
        return

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "sendfile", full)
    yield spool


async def test_full_disk(
    serve: Serve, client: AgentClient, handler: Any, full_disk: Path, descriptors: Callable[[], set[int]]
) -> None:
    """A body that the disk has no room for is answered with 507 and the time to wait; a smaller one is taken."""
    await serve()
    before = len(descriptors())
    with pytest.raises(QueueBusy, match="no room") as caught:
        await client.flag_bytes(b"\xaa" * (MEMORY_SNAPSHOT_MAX_BYTES + 1), FlagRequest())
    assert caught.value.retry_after_seconds == 60
    assert list(full_disk.iterdir()) == []
    await client.flag_bytes(b"small", FlagRequest())
    assert handler.contents == [b"small"]
    assert len(descriptors()) <= before + 2


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 60))
def test_where_bytes_lie_changes_nothing(pieces: list[bytes], memory_max_bytes: int) -> None:
    """A body is the bytes that were written, in memory, on disk, and across the move from one to the other."""
    body = BodyFile(Path("/tmp"), memory_max_bytes=memory_max_bytes)
    for piece in pieces:
        body.write(piece)
    descriptor = body.give_descriptor()
    body.close()
    try:
        data = b"".join(pieces)
        assert os.pread(descriptor, 1000, 0) == data
        assert os.fstat(descriptor).st_nlink == 0
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR])
def test_folder_without_unnamed_files(spool: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where the file system makes no unnamed files, a file loses its name at once."""
    real = os.open

    def old(path: object, flags: int, *rest: int, **options: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", old)
    body = BodyFile(spool, memory_max_bytes=1)
    body.write(b"bytes")
    descriptor = body.give_descriptor()
    assert (os.pread(descriptor, 10, 0), list(spool.iterdir())) == (b"bytes", [])
    os.close(descriptor)


def test_missing_folder_is_no_full_disk(tmp_path: Path, descriptors: Callable[[], set[int]]) -> None:
    """A disk that fails for another reason than room says so, and nothing stays open."""
    before = descriptors()
    body = BodyFile(tmp_path / "missing", memory_max_bytes=1)
    with pytest.raises(FileNotFoundError):
        body.write(b"bytes")
    body.close()
    assert descriptors() == before


def test_close_waits_for_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A descriptor is never closed under a write, and never written after it was closed."""
    entered, go_on, order = threading.Event(), threading.Event(), list[str]()
    real = os.pwrite

    def slow(descriptor: int, data: bytes, offset: int) -> int:
        entered.set()
        go_on.wait(30)
        written = real(descriptor, data, offset)
        order.append("written")
        return written

    monkeypatch.setattr(os, "pwrite", slow)
    body = BodyFile(tmp_path)
    writer = threading.Thread(target=body.write, args=(b"bytes",))
    writer.start()
    assert entered.wait(30)

    def close() -> None:
        body.close()
        order.append("closed")

    closer = threading.Thread(target=close)
    closer.start()
    go_on.set()
    writer.join()
    closer.join()
    assert order == ["written", "closed"]
    body.write(b"late")
    assert order == ["written", "closed"]


def test_full_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that runs out is told as a full spool."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(os, "pwrite", full)
    body = BodyFile(tmp_path)
    with pytest.raises(SpoolFull, match="no room"):
        body.write(b"x")
    body.close()
