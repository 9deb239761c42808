"""Images and loop devices, with bad sectors, other users, and things that are no disk."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.capture import BootReader, Disk, open_disk
from sampler.model import Failure, Peer

SECTOR = 512


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Sectors that each begin with their number."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        for number in range(4096):
            file.write(number.to_bytes(4, "big").ljust(SECTOR, b"."))
    return path


@pytest.fixture
def disk(image: Path, me: Peer) -> Iterator[Disk]:
    opened = open_disk(os.fsencode(image), me)
    assert isinstance(opened, Disk)
    yield opened
    os.close(opened.descriptor)


def test_only_the_edges_are_read(disk: Disk, me: Peer) -> None:
    """The first 64 and the last 33 sectors, and not one byte between."""
    read: list[tuple[int, int]] = []

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        read.append((offset, length))
        return os.pread(descriptor, length, offset)

    reader = BootReader(disk, uid=me.uid, read=pread)
    reader.read_edges()
    (head_at, head), (tail_at, tail) = reader.stretches()
    assert (head_at, len(head), tail_at, len(tail)) == (0, 64 * SECTOR, (4096 - 33) * SECTOR, 33 * SECTOR)
    assert sum(length for _, length in read) == (64 + 33) * SECTOR
    assert head[63 * SECTOR :][:4] == (63).to_bytes(4, "big")


def test_ranges_are_read_once_and_inside_the_disk(disk: Disk, me: Peer) -> None:
    """A range that is known brings nothing new; one that leads out of the disk ends with it."""
    reader = BootReader(disk, uid=me.uid)
    assert reader.read([(100 * SECTOR + 7, 10)]) is True
    assert reader.read([(100 * SECTOR, SECTOR)]) is False
    assert reader.read([(2**60, SECTOR)]) is False
    assert reader.read([(4095 * SECTOR, 10 * SECTOR)]) is True
    assert [place for place, _ in reader.stretches()] == [100 * SECTOR, 4095 * SECTOR]


def test_bad_sectors_cost_themselves(disk: Disk, me: Peer) -> None:
    """A sector that cannot be read becomes zeros and is named; its neighbours are read."""

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if offset == 3 * SECTOR:
            raise OSError(errno.EIO, "bad sector")
        return b"short" if offset == 5 * SECTOR else os.pread(descriptor, length, offset)

    reader = BootReader(disk, uid=me.uid, read=pread)
    reader.read([(0, 8 * SECTOR)])
    ((_, data),) = reader.stretches()
    assert len(data) == 8 * SECTOR
    assert [omission.what for omission in reader.omissions()] == ["boot:1536", "boot:2560"]
    assert not any(data[3 * SECTOR : 4 * SECTOR])
    assert data[4 * SECTOR :][:4] == (4).to_bytes(4, "big")
    assert not reader.is_blank


def test_a_disk_that_reads_nothing_is_blank(disk: Disk, me: Peer) -> None:
    """Where every sector fails, there is nothing to keep."""

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        raise OSError(errno.EIO, "gone")

    reader = BootReader(disk, uid=me.uid, read=pread)
    reader.read_edges()
    assert reader.is_blank
    assert len(reader.omissions()) == 65


def test_an_image_shorter_than_its_edges(tmp_path: Path, me: Peer) -> None:
    """A few sectors and a piece of one are read as they are."""
    path = tmp_path / "small"
    path.write_bytes(b"x" * 1300)
    opened = open_disk(os.fsencode(path), me)
    assert isinstance(opened, Disk)
    reader = BootReader(opened, uid=me.uid)
    reader.read_edges()
    os.close(opened.descriptor)
    assert reader.stretches() == [(0, b"x" * 1300)]


def test_what_is_no_disk(tmp_path: Path, me: Peer) -> None:
    """A folder, a link, a character device and nothing at all are refused by name."""
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    codes = {}
    for path in (tmp_path, link, Path("/dev/null"), tmp_path / "absent"):
        outcome = open_disk(os.fsencode(path), me)
        assert isinstance(outcome, Failure)
        codes[path.name] = outcome.code
    assert codes == {tmp_path.name: "not-a-disk", "link": "not-a-disk", "null": "not-a-disk", "absent": "absent"}


def test_an_image_of_another_user(image: Path, nobody: Peer) -> None:
    """What the peer may not read is not read for it."""
    image.chmod(0o600)
    outcome = open_disk(os.fsencode(image), nobody)
    assert isinstance(outcome, Failure)
    assert outcome.code == ("permission" if os.geteuid() == 0 else "other-user")


def test_a_loop_device(image: Path, me: Peer, nobody: Peer) -> None:
    """As root: a device has its size and sectors from the kernel, and is closed to every other user.

    A device that cannot be had here, or one of whom an ordinary user asks, is refused with a reason.
    """
    made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
    device = made.stdout.strip()
    if not device:
        outcome = open_disk(b"/dev/loop-control", me)
        assert isinstance(outcome, Failure)
        return
    try:
        opened = open_disk(os.fsencode(device), me)
        assert isinstance(opened, Disk)
        assert (opened.size, opened.sector_bytes, opened.is_device) == (4096 * SECTOR, SECTOR, True)
        reader = BootReader(opened, uid=me.uid)
        reader.read([(2048 * SECTOR, SECTOR)])
        os.close(opened.descriptor)
        assert reader.stretches()[0][1][:4] == (2048).to_bytes(4, "big")
        refused = open_disk(os.fsencode(device), nobody)
        assert isinstance(refused, Failure)
        assert refused.code == "permission"
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_loop_device_whose_file_became_shorter(image: Path, me: Peer) -> None:
    """A device that errors halfway: what can be read is kept, the rest is named."""
    made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
    device = made.stdout.strip()
    opened = open_disk(os.fsencode(device or image), me)
    assert isinstance(opened, Disk)
    try:
        os.truncate(image, 32 * SECTOR)
        reader = BootReader(opened, uid=me.uid)
        reader.read_edges()
        assert not reader.is_blank
        assert reader.stretches()[0][1][31 * SECTOR :][:4] == (31).to_bytes(4, "big")
        assert len(reader.omissions()) == 64 + 1
    finally:
        os.close(opened.descriptor)
        if device:
            subprocess.run(["losetup", "--detach", device], check=True)
