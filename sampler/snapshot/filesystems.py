"""Asking the kernel about a place: openat2(2) without the kernel's own links, and which file system a file lies on."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_OPENAT2: Final = 437
"""The same number on every architecture."""
_AT_FDCWD: Final = -100
_RESOLVE_NO_MAGICLINKS: Final = 0x02

_UNTRUSTED: Final = {
    0x9FA0: "proc",
    0x62656572: "sysfs",
    0x64626720: "debugfs",
    0x74726163: "tracefs",
    0x73636673: "securityfs",
    0xF97CFF8C: "selinuxfs",
    0x27E0EB: "cgroup",
    0x63677270: "cgroup2",
    0xCAFE4A11: "bpf",
    0x62656570: "configfs",
    0x65735546: "FUSE",
}
"""By statfs(2) ``f_type``: what the kernel makes up by the reader's rights, and what another program answers."""

_ANSWERING: Final = frozenset(
    {0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0x01021994, 0x858458F6, 0x73717368, 0xE0F5E1E2}
)
"""Whose reads only a broken disk can delay: ext, XFS, btrfs, F2FS, ZFS, tmpfs, ramfs, squashfs, EROFS. Not overlayfs:
what lies below it may be any other."""

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_without_magic_links(path: bytes, flags: int) -> int:
    """open(2), but no component may be one of the links under ``/proc`` that lead past all permissions.

    In the agent's process ``/proc/self/fd/N`` and ``/proc/self/cwd`` are the agent's own: a peer must not walk through
    them (openat2(2), RESOLVE_NO_MAGICLINKS).

    Raises:
        OSError: as open(2); ELOOP for such a link, ENOSYS on a kernel before 5.6.
    """
    how = _OpenHow(flags=flags, mode=0, resolve=_RESOLVE_NO_MAGICLINKS)
    descriptor: int = _libc.syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_long(_AT_FDCWD),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor


def untrusted_name(descriptor: int) -> str | None:
    """The name of the file system that a descriptor's file lies on, if it is none to read for another user.

    Raises:
        OSError: fstatfs(2) failed.
    """
    return _UNTRUSTED.get(_type(descriptor))


def is_sure_to_answer(descriptor: int) -> bool:
    """Whether the file system that a descriptor's file lies on is none that can let a read wait for ever.

    Raises:
        OSError: fstatfs(2) failed.
    """
    return _type(descriptor) in _ANSWERING


def _type(descriptor: int) -> int:
    room = (ctypes.c_long * 64)()  # struct statfs is 15 words on 64-bit Linux; f_type is its first
    if _libc.fstatfs(ctypes.c_int(descriptor), room) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(room[0]) & 0xFFFFFFFF
