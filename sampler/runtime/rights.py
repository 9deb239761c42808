"""Doing one thing with another user's rights to files and processes, and no more than those.

Linux keeps the file-system identity (credentials(7): fsuid, fsgid, supplementary groups) and the capabilities for each
thread. A fresh thread takes on the peer's by raw system calls, drops every capability, does its one thing, and ends; no
thread of the agent ever comes back from there. What it opens below ``/proc`` the kernel judges by the same identity
(ptrace(2), PTRACE_MODE_FSCREDS), so that memory and descriptors of a process are the peer's to read or they are not.
The C library's own ``setgroups`` is of no use here, because it changes all threads.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sampler.model import Peer
from sampler.runtime.deadlines import within

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Calls:
    """Numbers of the four system calls on one architecture."""

    setgroups: int
    setfsgid: int
    setfsuid: int
    capset: int


_GENERIC: Final = _Calls(setgroups=159, setfsgid=152, setfsuid=151, capset=91)
_CALLS: Final = {
    "x86_64": _Calls(setgroups=116, setfsgid=123, setfsuid=122, capset=126),
    "aarch64": _GENERIC,
    "riscv64": _GENERIC,
}
_CAPABILITY_VERSION: Final = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3 (capset(2)): two words each of effective, permitted and inheritable ones."""
_NO_ID: Final = 0xFFFFFFFF
"""An identifier that nobody has: setfsuid(2) answers the present one and changes nothing."""

_libc = ctypes.CDLL(None, use_errno=True)


class RightsUnavailable(Exception):
    """The agent cannot take on this peer's rights; the text says why."""


def is_trusted(peer: Peer) -> bool:
    """Whether a peer's rights are the agent's own or all there are, so that nothing has to be taken on."""
    return peer.uid in (0, os.geteuid())


def with_rights_of(peer: Peer, work: Callable[[], T], *, deadline_seconds: float, discard: Callable[[T], None]) -> T:
    """Run ``work`` in a thread of its own that has the peer's rights to files.

    Deadline and ``discard`` are those of ``deadlines.within``.

    Raises:
        RightsUnavailable: the agent is not root, does not know this architecture, or the kernel refused.
        StillHanging, TimeoutError: as ``deadlines.within``.
        OSError: what ``work`` raised.
    """
    if is_trusted(peer):
        return within(work, uid=peer.uid, deadline_seconds=deadline_seconds, discard=discard)
    calls = _calls()

    def as_peer() -> T:
        _take_on(calls, peer)
        return work()

    return within(as_peer, uid=peer.uid, deadline_seconds=deadline_seconds, discard=discard)


def _calls() -> _Calls:
    if os.geteuid() != 0:
        raise RightsUnavailable("the agent does not run as root")
    calls = _CALLS.get(platform.machine())
    if calls is None or sys.maxsize < _NO_ID:
        raise RightsUnavailable(f"the agent cannot change its rights on {platform.machine()}")
    return calls


def _take_on(calls: _Calls, peer: Peer) -> None:
    """Give the thread the peer's rights: (1) groups, (2) fsgid, (3) fsuid, (4) no capability, so no way back."""
    _set_groups(calls, peer.groups)
    _set_identity(calls.setfsgid, peer.gid)
    _set_identity(calls.setfsuid, peer.uid)
    _drop_capabilities(calls)


def _set_groups(calls: _Calls, groups: Sequence[int]) -> None:
    array = (ctypes.c_uint32 * len(groups))(*groups)
    if _libc.syscall(ctypes.c_long(calls.setgroups), ctypes.c_long(len(groups)), array) != 0:
        number = ctypes.get_errno()
        raise RightsUnavailable(f"the kernel refused its groups ({os.strerror(number)})")


def _set_identity(call: int, identity: int) -> None:
    """setfsuid(2) and setfsgid(2) report no error: only asking again shows whether it worked."""
    _libc.syscall(ctypes.c_long(call), ctypes.c_long(identity))
    if _libc.syscall(ctypes.c_long(call), ctypes.c_long(_NO_ID)) & _NO_ID != identity:
        raise RightsUnavailable(f"the kernel refused the file-system identity {identity}")


def _drop_capabilities(calls: _Calls) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.syscall(ctypes.c_long(calls.capset), header, nothing) != 0:
        number = ctypes.get_errno()
        raise RightsUnavailable(f"the kernel did not take capabilities away ({os.strerror(number)})")
