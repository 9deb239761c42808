from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from sampler.intake import peer_of


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_peer_is_whom_the_kernel_names(pair: tuple[socket.socket, socket.socket]) -> None:
    """The other end is known by user, group, process and all groups."""
    peer = peer_of(pair[0])
    assert (peer.uid, peer.gid, peer.pid) == (os.geteuid(), os.getegid(), os.getpid())
    assert set(peer.groups) == set(os.getgroups())


def test_not_a_unix_socket() -> None:
    """A socket that has no such peer is an error, and not a peer without rights or with all of them."""
    with socket.socket(socket.AF_INET) as unconnected, pytest.raises(OSError):
        peer_of(unconnected)


class ManyGroups(socket.socket):
    """A socket whose peer is in more groups than are asked for."""

    number = errno.ERANGE

    def getsockopt(self, level: int, option: int, size: int = 0) -> bytes:  # type: ignore[override]
        if option == 59:
            raise OSError(self.number, os.strerror(self.number))
        return super().getsockopt(level, option, size)


def test_more_groups_than_fit(pair: tuple[socket.socket, socket.socket]) -> None:
    """A peer in too many groups is taken as being in none, which gives it fewer rights; other errors stay errors."""
    with ManyGroups(fileno=os.dup(pair[0].fileno())) as connection:
        assert peer_of(connection).groups == ()
        connection.number = errno.EBADF
        with pytest.raises(OSError, match="Bad file descriptor"):
            peer_of(connection)
