"""Who is at the other end of a Unix socket, from the kernel and nobody else (unix(7))."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Final

from sampler.limits import PEER_GROUPS_MAX_COUNT
from sampler.model import Peer

_SO_PEERGROUPS: Final = 59
"""The same on every architecture that Sampler runs on; the socket module does not name it."""
_CREDENTIALS: Final = struct.Struct("iII")
"""struct ucred: pid, uid, gid."""


def peer_of(connection: socket.socket) -> Peer:
    """The process that connected, as it was when it did.

    Raises:
        OSError: it is not a connected Unix socket.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(credentials)
    return Peer(uid=uid, gid=gid, pid=pid, groups=_groups_of(connection))


def _groups_of(connection: socket.socket) -> tuple[int, ...]:
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * PEER_GROUPS_MAX_COUNT)
    except OSError as error:
        if error.errno != errno.ERANGE:
            raise
        return ()  # fewer rights than it has, never more
    return struct.unpack(f"{len(found) // 4}I", found)
