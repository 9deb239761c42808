"""The remote ends of a process's sockets (proc(5), /proc/PID/net), by the descriptors that it holds."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from sampler.limits import KIB, MIB

_TABLE_MAX_BYTES: Final = 4 * MIB
_READ_BYTES: Final = 64 * KIB
_TABLES: Final = ("tcp", "tcp6", "udp", "udp6")
_SOCKET: Final = "socket:["


def remote_addresses(pid: int, targets: Iterable[str]) -> tuple[str, ...]:
    """``tcp 192.0.2.1:443``, ``udp [2001:db8::1]:53`` …, each once, sorted; sockets that only listen have none.

    Args:
        pid: whose network namespace is looked into.
        targets: what the process's descriptors lead to.
    """
    inodes = {target[len(_SOCKET) : -1].encode() for target in targets if target.startswith(_SOCKET)}
    if not inodes:
        return ()
    found = {f"{table.rstrip('6')} {end}" for table in _TABLES for end in _ends(f"/proc/{pid}/net/{table}", inodes)}
    return tuple(sorted(found))


def _ends(path: str, inodes: set[bytes]) -> Iterator[str]:
    for line in _read(path).split(b"\n")[1:]:
        words = line.split()
        if len(words) > 9 and words[9] in inodes:
            end = address_in(words[2].decode("ascii", "replace"))
            if end is not None:
                yield end


def address_in(text: str) -> str | None:
    """An address and port as the kernel writes it: words of 32 bits in the machine's order; ``None``: not connected."""
    digits, _, port = text.partition(":")
    try:
        words = struct.unpack(f">{len(digits) // 8}I", bytes.fromhex(digits))
        raw, number = struct.pack(f"={len(words)}I", *words), int(port, 16)
    except (ValueError, struct.error):
        return None
    if len(raw) not in (4, 16) or not number or not any(raw):
        return None
    if len(raw) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, raw)}:{number}"
    return f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:{number}"


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    data = bytearray()
    try:
        while len(data) < _TABLE_MAX_BYTES and (piece := os.read(descriptor, _READ_BYTES)):
            data += piece
    except OSError:
        return bytes(data)
    finally:
        os.close(descriptor)
    return bytes(data)
