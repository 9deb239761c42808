"""The map of a process's memory (proc(5), /proc/PID/maps). Pure: the kernel writes it, only its paths are hostile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LINE: Final = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]{1,16}) [0-9a-f]+:[0-9a-f]+ \d+ *(.*)"
)
_READABLE_MAX: Final = 2**63
"""Higher addresses are the kernel's own pages, and no offset that pread(2) takes."""
_SPECIAL: Final = {b"[heap]": "heap", b"[stack]": "stack", b"[vdso]": "vdso"}
_DELETED: Final = b" (deleted)"
_SHARED: Final = (b"/dev/zero", b"/SYSV", b"/dev/shm/")  # names that the kernel writes; nothing is opened


class RegionClass(StrEnum):
    """What a region is mapped from; its path stays on the host."""

    MAIN = "main"
    """The program itself."""
    FILE = "file"
    """Another file: a library, mostly."""
    DELETED = "deleted"
    """A file that has no name any more."""
    MEMFD = "memfd"
    """Anonymous memory with a descriptor (memfd_create(2))."""
    SHARED = "shared"
    ANONYMOUS = "anonymous"
    HEAP = "heap"
    STACK = "stack"
    VDSO = "vdso"
    DEVICE = "device"
    """Never read: a device may notice."""
    KERNEL = "kernel"
    """Pages that the kernel shows and that cannot be read as memory."""

    @property
    def has_file(self) -> bool:
        """Whether a file with a name lies behind it."""
        return self in (RegionClass.MAIN, RegionClass.FILE)


@dataclass(frozen=True, slots=True)
class Mapped:
    """One region of a process's memory, or a stretch of one."""

    start: int
    end: int
    """First address, and the one behind the last."""
    permission: str
    """``rwxp`` and the like."""
    file_offset: int
    """Where it begins in what it is mapped from, in bytes."""
    kind: RegionClass
    path: bytes = b""
    """What it is mapped from; hostile text."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def is_readable(self) -> bool:
        """Whether it is worth a try. Code that the process itself may only execute can be read from outside."""
        closed = self.permission.startswith("---")
        return not closed and self.kind not in (RegionClass.DEVICE, RegionClass.KERNEL) and self.end <= _READABLE_MAX

    @property
    def name(self) -> str:
        """Address, permission and class, for people and manifests."""
        return f"{self.start:x}-{self.permission}-{self.kind}"


def parse_maps(text: bytes, program: bytes | None) -> tuple[Mapped, ...]:
    """Every region of a map, by address; lines that are none are passed over.

    Args:
        text: of /proc/PID/maps.
        program: what /proc/PID/exe leads to.
    """
    return tuple(_regions(text, program))


def _regions(text: bytes, program: bytes | None) -> Iterator[Mapped]:
    for line in text.split(b"\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        start, end, permission, offset, path = found.groups()
        kind = _class_of(path, program)
        if int(start, 16) < int(end, 16):
            yield Mapped(int(start, 16), int(end, 16), permission.decode("ascii"), int(offset, 16), kind, path)


def _class_of(path: bytes, program: bytes | None) -> RegionClass:
    if not path:
        return RegionClass.ANONYMOUS
    if path.startswith(b"["):
        return _special(path)
    if path == program:
        return RegionClass.MAIN
    if path.startswith(b"/memfd:"):
        return RegionClass.MEMFD
    if path.startswith(_SHARED):
        return RegionClass.SHARED
    if path.startswith(b"/dev/"):
        return RegionClass.DEVICE
    return RegionClass.DELETED if path.endswith(_DELETED) else RegionClass.FILE


def _special(path: bytes) -> RegionClass:
    if path.startswith(b"[anon"):  # prctl(2), PR_SET_VMA_ANON_NAME
        return RegionClass.ANONYMOUS
    return RegionClass(_SPECIAL.get(path, "kernel"))
