"""Landlock with no rights at all: every right that the kernel knows is handled, and none is given (landlock(7)).

What it does not cover (stat(2), chmod(2), UDP) is left to the network namespace and the system-call filter.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from sampler.sandbox.kernel import syscall
from sampler.sandbox.messages import Confinement

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_ASK_FOR_VERSION: Final = 1
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files there are from each version of the interface on (landlock(7), "FILESYSTEM FLAGS")."""
_NETWORK: Final = 0b11
"""Binding and connecting TCP sockets; from version 4 on."""
_SCOPES: Final = 0b11
"""Abstract Unix sockets and signals; from version 6 on."""


def give_no_rights() -> Confinement:
    """Restrict this thread, and whatever it becomes, to what is open already; needs "no new privileges" to be set."""
    try:
        version = syscall(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION)
        _restrict(handled(version))
    except OSError as error:
        return Confinement((), (f"Landlock ({error.strerror})",))
    return Confinement((f"Landlock ABI {version}",))


def handled(version: int) -> bytes:
    """``struct landlock_ruleset_attr`` with every right of that version (landlock_create_ruleset(2))."""
    count = max(count for since, count in _FILE_RIGHTS.items() if since <= version)
    return struct.pack("=QQQ", (1 << count) - 1, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0)


def _restrict(attributes: bytes) -> None:
    ruleset = syscall(_CREATE_RULESET, ctypes.create_string_buffer(attributes, len(attributes)), len(attributes), 0)
    try:
        syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
