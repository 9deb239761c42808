"""A disk that is full: nothing that was acknowledged is lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sampler.limits import MIB
from sampler.server import QueueSettings
from sampler.storage.folder_blobs import FolderBlobs
from sampler.wire.messages import Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Person = Callable[[Role], Call]
MakeManifest = Callable[[bytes], Manifest]
Begin = Callable[[Manifest], Awaitable[str]]
TusHeaders = Callable[..., dict[str, str]]
TUS = {"Tus-Resumable": "1.0.0"}
DATA = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(100_000))


class Disk:
    """The disk of the queue, which a test can fill and empty."""

    def __init__(self, folder: Path, fill: Callable[[int], None], empty: Callable[[], None]) -> None:
        self.folder = folder
        self.fill = fill
        self.empty = empty


def _fill(folder: Path, leave_bytes: int) -> None:
    room = os.statvfs(folder)
    with (folder / "filler").open("wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - leave_bytes)))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A file system of 24 MiB; without the right to mount one, a folder that says how much room it has."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        yield Disk(folder, lambda leave: _fill(folder, leave), (folder / "filler").unlink)
        subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    room = [24 * MIB]
    monkeypatch.setattr(FolderBlobs, "free_bytes", lambda self: room[0])
    yield Disk(folder, lambda leave: room.__setitem__(0, leave - 2 * MIB), lambda: room.__setitem__(0, 24 * MIB))


@pytest.fixture
def state(disk: Disk) -> Path:
    """The queue lies on the small disk."""
    return disk.folder / "q"


@pytest.fixture
def settings(settings: QueueSettings) -> QueueSettings:
    """With a reserve, so that the ledger can write when contents cannot."""
    uploads = msgspec.structs.replace(settings.uploads, reserve_bytes=2 * MIB)
    return msgspec.structs.replace(settings, uploads=uploads)


@pytest.mark.parametrize("leave_bytes", [MIB, 0], ids=["down to the reserve", "to the last byte"])
async def test_a_full_disk_is_507_and_nothing_is_lost(
    disk: Disk,
    host: Call,
    deliver: Callable[[Manifest, bytes], Awaitable[None]],
    begin: Begin,
    make_manifest: MakeManifest,
    tus_headers: TusHeaders,
    person: Person,
    leave_bytes: int,
) -> None:
    """The upload stays where it was acknowledged, and with room again the rest comes in; what is stored can be read as
    long as there is room to write down who read it."""
    small, large = b"stored before", DATA
    await deliver(make_manifest(small), small)
    manifest = make_manifest(large)
    path = await begin(manifest)
    await host("PATCH", path, headers=tus_headers(offset=0), data=large[:700_000])
    worker = person(Role.WORKER)
    disk.fill(leave_bytes)
    reply = await host("PATCH", path, headers=tus_headers(offset=700_000), data=large[700_000:])
    assert (reply.status, reply.problem) == (507, "storage-full")
    assert int(reply.headers["Retry-After"]) > 0
    assert (await host("POST", "/v1/submissions", message=make_manifest(b"more"))).status == 507
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "700000"
    reply = await worker("GET", f"/v1/contents/{hashlib.sha256(small).hexdigest()}?form=raw")
    assert (reply.status, reply.body if leave_bytes else reply.problem) == (
        (200, small) if leave_bytes else (507, "storage-full")
    )
    disk.empty()
    reply = await host("PATCH", path, headers=tus_headers(offset=700_000), data=large[700_000:])
    assert (reply.status, reply.headers["Upload-Offset"]) == (204, str(len(large)))
    assert (await worker("GET", f"/v1/contents/{hashlib.sha256(large).hexdigest()}?form=raw")).body == large
