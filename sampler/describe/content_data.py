"""Bounded reading of an object's bytes, whatever holds them."""

from __future__ import annotations

import mmap
from typing import Final, TypeAlias

from sampler.limits import MIB

Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
"""An object's bytes: read by slices, never copied whole."""

READ_MAX_BYTES: Final = 4 * MIB
"""One read, however much a header asks for."""


def read(data: Data, offset: int, length: int) -> bytes:
    """At most ``length`` bytes from ``offset`` on; fewer, or none, where the object ends."""
    return bytes(data[offset : offset + min(length, READ_MAX_BYTES)])
