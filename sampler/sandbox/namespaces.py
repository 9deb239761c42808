"""Namespaces of a child's own, and no capability in any (user_namespaces(7), network_namespaces(7), capabilities(7)).

The network namespace holds no interface that is up, so that no protocol reaches anything. The user namespace maps
nobody: for the kernel the process keeps its user, and has no power over anything that belongs to another namespace.
"""

from __future__ import annotations

import ctypes
import platform
import struct
from typing import Final

from sampler.sandbox.kernel import syscall, unshare
from sampler.sandbox.messages import Confinement

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWNS: Final = 0x00020000
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3: Final = 0x20080522
_CAP_SYS_PTRACE: Final = 1 << 19


def separate() -> Confinement:
    """Enter a new user and network namespace; where users may have none, a network namespace if that is allowed."""
    try:
        unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    except OSError as error:
        return _network_alone(error)
    return Confinement(("user and network namespace",))


def _network_alone(why: OSError) -> Confinement:
    try:
        unshare(_CLONE_NEWNET)
    except OSError:
        return Confinement((), (f"user and network namespace ({why.strerror})",))
    return Confinement(("network namespace",), (f"user namespace ({why.strerror})",))


def separate_mounts() -> Confinement:
    """Enter a new network and mount namespace, in the user namespace that the process is in: root alone may."""
    try:
        unshare(_CLONE_NEWNET | _CLONE_NEWNS)
    except OSError as error:
        return Confinement((), (f"network and mount namespace ({error.strerror})",))
    return Confinement(("network and mount namespace",))


def drop_capabilities() -> Confinement:
    """Give up every capability (capset(2)); without new privileges and without exec(2) none can be had again.

    Raises:
        OSError: the kernel refused, which it never does to a process that asks for less.
    """
    return _keep_capabilities(0, "no capabilities")


def keep_tracing() -> Confinement:
    """Give up every capability but the one to look into other processes, if the process has it.

    Raises:
        OSError: as ``drop_capabilities``.
    """
    try:
        return _keep_capabilities(_CAP_SYS_PTRACE, "no capabilities but CAP_SYS_PTRACE")
    except PermissionError:  # it does not have that one: an ordinary user's
        return drop_capabilities()


def _keep_capabilities(kept: int, layer: str) -> Confinement:
    number = _CAPSET.get(platform.machine())
    if number is None:
        return Confinement((), (f"{layer} (unknown machine {platform.machine()})",))
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    sets = struct.pack("=IIIIII", kept, kept, 0, 0, 0, 0)  # effective, permitted, inheritable; then their upper halves
    syscall(number, header, ctypes.create_string_buffer(sets, len(sets)))
    return Confinement((layer,))
