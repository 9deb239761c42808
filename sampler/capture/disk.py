"""A disk or an image of one, read in few places: its start, its end, and wherever a child says that a record lies.

Order of opening, none of it by name twice: (1) find it by O_PATH | O_NOFOLLOW with the peer's rights; (2) fstat(2): a
block device is for root alone, anything else must be a regular file; (3) open that inode for reading. A device is
never read but at the ranges that are asked for, and a sector that cannot be read becomes zeros and is named.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sampler.limits import (
    BOOT_HEAD_SECTORS,
    BOOT_TAIL_SECTORS,
    FAILED_RANGES_MAX_COUNT,
    OPEN_DEADLINE_SECONDS,
    SECTOR_MAX_BYTES,
)
from sampler.model import Failure, ObjectState, Omission, Peer
from sampler.runtime.deadlines import StillHanging, within
from sampler.runtime.rights import RightsUnavailable, is_trusted, with_rights_of

_FIND: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_BLKSSZGET: Final = 0x1268
"""linux/fs.h, ``_IO(0x12, 104)``: bytes of a logical sector, an int."""
_BLKGETSIZE64: Final = 0x80081272
"""linux/fs.h, ``_IOR(0x12, 114, size_t)``: bytes of the device; the same on x86, ARM and RISC-V with 64 bits."""
_SECTOR_BYTES: Final = 512

Read = Callable[[int, int, int], bytes]
"""As ``os.pread``: descriptor, how many bytes, from where."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk or image, open for reading; whoever got it closes ``descriptor``."""

    descriptor: int
    size: int
    """Bytes."""
    sector_bytes: int
    """Of a logical sector: what numbers in partition tables count."""
    is_device: bool


def open_disk(path: bytes, peer: Peer) -> Disk | Failure:
    """Open a block device, for root, or an image that the peer may read. Blocking."""
    try:
        return with_rights_of(
            peer, partial(_open, path, peer), deadline_seconds=OPEN_DEADLINE_SECONDS, discard=_discard
        )
    except (FileNotFoundError, NotADirectoryError):
        return Failure(ObjectState.VANISHED, "absent", f"{_shown(path)} does not exist")
    except PermissionError:
        return _unreadable("permission", f"the one who asked may not read {_shown(path)}")
    except RightsUnavailable as error:
        return _unreadable("other-user", f"{_shown(path)} cannot be opened with your rights: {error}")
    except (StillHanging, TimeoutError) as error:
        return Failure(ObjectState.TIMED_OUT, "deadline", f"{_shown(path)} could not be opened: {error}")
    except OSError as error:
        return _unreadable("read-error", f"{_shown(path)} could not be opened: {error.strerror}")


def _open(path: bytes, peer: Peer) -> Disk | Failure:
    handle = os.open(path, _FIND)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISBLK(mode) and not is_trusted(peer):
            return _unreadable("permission", f"{_shown(path)} is a device; only root may have its boot records taken")
        if not stat.S_ISBLK(mode) and not stat.S_ISREG(mode):
            return _unreadable("not-a-disk", f"{_shown(path)} is neither a block device nor a regular file")
        descriptor = os.open(f"/proc/self/fd/{handle}", _READ)
    finally:
        os.close(handle)
    try:
        return _measured(descriptor, is_device=stat.S_ISBLK(mode))
    except BaseException:
        os.close(descriptor)
        raise


def _measured(descriptor: int, *, is_device: bool) -> Disk:
    if not is_device:
        return Disk(descriptor, os.fstat(descriptor).st_size, _SECTOR_BYTES, is_device)
    (size,) = struct.unpack("Q", fcntl.ioctl(descriptor, _BLKGETSIZE64, bytes(8)))
    (sector,) = struct.unpack("i", fcntl.ioctl(descriptor, _BLKSSZGET, bytes(4)))
    return Disk(descriptor, size, min(max(sector, _SECTOR_BYTES), SECTOR_MAX_BYTES), is_device)


class BootReader:
    """The stretches of one disk that were read so far, in the order of their places on it.

    Args:
        disk: stays the caller's.
        uid: whose reads these are, for the count of those that hang.
        read: stands in for ``os.pread``.
    """

    def __init__(self, disk: Disk, *, uid: int, read: Read = os.pread) -> None:
        self.disk = disk
        self._uid = uid
        self._pread = read
        self._sectors: dict[int, bytes] = {}
        """By number; short only where the disk ends within one."""
        self._failed: set[int] = set()
        self._gave_up = False

    def read_edges(self) -> None:
        """Read the start and the end of the disk."""
        sector = self.disk.sector_bytes
        self.read([(0, BOOT_HEAD_SECTORS * sector)])
        tail = BOOT_TAIL_SECTORS * sector
        self.read([(max(self.disk.size // sector * sector - tail, 0), tail)])

    def read(self, ranges: Iterable[tuple[int, int]]) -> bool:
        """Read the sectors of ranges (offset and length on the disk, bytes); whether any of them is new."""
        sector = self.disk.sector_bytes
        numbers = {
            number
            for offset, length in ranges
            for number in range(offset // sector, -(-min(offset + length, self.disk.size) // sector))
        }
        new = sorted(numbers - self._sectors.keys() - self._failed)
        for number in new:
            self._take(number)
        return bool(new)

    def stretches(self) -> list[tuple[int, bytes]]:
        """What was read, as places on the disk and bytes; sectors side by side are one stretch."""
        joined: list[tuple[int, bytearray]] = []
        for number in sorted(self._sectors):
            offset = number * self.disk.sector_bytes
            if joined and joined[-1][0] + len(joined[-1][1]) == offset:
                joined[-1][1].extend(self._sectors[number])
            else:
                joined.append((offset, bytearray(self._sectors[number])))
        return [(offset, bytes(data)) for offset, data in joined]

    def omissions(self) -> tuple[Omission, ...]:
        """The sectors that could not be read."""
        numbers = sorted(self._failed)
        named = [
            Omission(f"boot:{number * self.disk.sector_bytes}", "this sector could not be read; zeros stand for it")
            for number in numbers[:FAILED_RANGES_MAX_COUNT]
        ]
        if more := len(numbers) - len(named):
            named.append(Omission("boot", f"{more} further sectors could not be read"))
        return tuple(named)

    @property
    def is_blank(self) -> bool:
        """Whether nothing at all could be read."""
        return not self._sectors or len(self._failed) == len(self._sectors)

    def _take(self, number: int) -> None:
        """One sector: short reads of a device are rare enough, and a bad sector costs no other."""
        size = self.disk.sector_bytes
        offset = number * size
        length = min(size, self.disk.size - offset)
        data = b"" if self._gave_up else self._answer(length, offset)
        if len(data) < length:
            self._failed.add(number)
            data = data.ljust(length, b"\0")
        self._sectors[number] = data

    def _answer(self, length: int, offset: int) -> bytes:
        work = partial(self._pread, self.disk.descriptor, length, offset)
        try:
            return within(work, uid=self._uid, deadline_seconds=OPEN_DEADLINE_SECONDS, discard=_forget)
        except OSError as error:
            self._gave_up = isinstance(error, TimeoutError)
        except StillHanging:
            self._gave_up = True
        return b""


def _discard(late: Disk | Failure) -> None:
    if isinstance(late, Disk):
        os.close(late.descriptor)


def _forget(_late: bytes) -> None:
    """What comes too late is not needed."""


def _shown(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)[:512]


def _unreadable(code: str, detail: str) -> Failure:
    return Failure(ObjectState.UNREADABLE, code, detail)
