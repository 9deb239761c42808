"""Frames as the event loop reads and writes them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.limits import FRAME_MAX_BYTES
from sampler.sandbox.channel import Channel
from sampler.sandbox.framing import FrameError, close_all, receive_frame, send_frame


@pytest.fixture
def peer_and_channel() -> Iterator[tuple[socket.socket, Channel]]:
    left, right = socket.socketpair()
    channel = Channel(right)
    with left:
        yield left, channel
    channel.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_both_ways(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """A frame with a descriptor goes out, a frame comes back."""
    peer, channel = peer_and_channel
    await channel.send(b"request", (descriptor,))
    received = receive_frame(peer, descriptors=1)
    assert received is not None
    assert received[0] == b"request"
    close_all(received[1])
    send_frame(peer, b"answer")
    assert await channel.receive() == b"answer"


async def test_a_large_frame_while_nobody_reads_yet(peer_and_channel: tuple[socket.socket, Channel]) -> None:
    """A frame larger than the socket's buffer waits for its reader without blocking the loop."""
    peer, channel = peer_and_channel
    payload = os.urandom(1 << 20)
    sending = asyncio.create_task(channel.send(payload))
    received = await asyncio.get_running_loop().run_in_executor(None, receive_frame, peer)
    await sending
    assert received == (payload, [])


async def test_descriptors_come_in(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """The nursery's frame brings its two descriptors."""
    peer, channel = peer_and_channel
    send_frame(peer, b"child", (descriptor, descriptor))
    payload, descriptors = await channel.receive_descriptors(2)
    assert payload == b"child"
    assert [os.pread(copy, 7, 0) for copy in descriptors] == [b"content"] * 2
    close_all(descriptors)


async def test_descriptors_that_nobody_asked_for(
    peer_and_channel: tuple[socket.socket, Channel], descriptor: int
) -> None:
    """Descriptors that come with an answer are dropped by the kernel."""
    peer, channel = peer_and_channel
    before = open_descriptors()
    send_frame(peer, b"answer", (descriptor,))
    assert await channel.receive() == b"answer"
    assert open_descriptors() == before


async def test_one_descriptor_of_two(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """A frame with some of its descriptors is refused and leaks none."""
    peer, channel = peer_and_channel
    before = open_descriptors()
    send_frame(peer, b"child", (descriptor,))
    with pytest.raises(FrameError, match="1 descriptors where 2 belong"):
        await channel.receive_descriptors(2)
    assert open_descriptors() == before


async def test_too_long(peer_and_channel: tuple[socket.socket, Channel]) -> None:
    """A length above the ceiling is refused on its own."""
    peer, channel = peer_and_channel
    peer.sendall(struct.pack(">I", FRAME_MAX_BYTES + 1))
    with pytest.raises(FrameError, match="at most"):
        await channel.receive()


@pytest.mark.parametrize("data", [b"", b"\0\0", struct.pack(">I", 9) + b"half"])
async def test_cut_off(peer_and_channel: tuple[socket.socket, Channel], data: bytes) -> None:
    """An end before the frame's end is told apart from an empty frame."""
    peer, channel = peer_and_channel
    peer.sendall(data)
    peer.close()
    with pytest.raises(EOFError):
        await channel.receive()


async def test_end_where_descriptors_belong(peer_and_channel: tuple[socket.socket, Channel]) -> None:
    """A nursery that ends instead of answering is seen as ended."""
    peer, channel = peer_and_channel
    peer.close()
    with pytest.raises(EOFError):
        await channel.receive_descriptors(2)


async def test_what_comes_unasked_waits(peer_and_channel: tuple[socket.socket, Channel]) -> None:
    """Frames that arrive while nobody receives do not keep the loop busy, and are read when somebody does."""
    peer, channel = peer_and_channel
    send_frame(peer, b"first")
    assert await channel.receive() == b"first"
    send_frame(peer, b"second")
    send_frame(peer, b"third")
    for _ in range(3):
        await asyncio.sleep(0)
    assert channel._watching is None  # or the loop would wake again and again
    assert [await channel.receive(), await channel.receive()] == [b"second", b"third"]


async def test_a_deadline_while_nobody_answers(
    peer_and_channel: tuple[socket.socket, Channel], descriptor: int
) -> None:
    """An exchange without an answer ends at its deadline, although the other side stays open."""
    _, channel = peer_and_channel
    with pytest.raises(TimeoutError, match="deadline"):
        await channel.exchange(b"request", descriptor, 0.05)


async def test_a_deadline_while_nobody_reads(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """An exchange whose request is not read ends at its deadline as well."""
    _, channel = peer_and_channel
    with pytest.raises(TimeoutError, match="deadline"):
        await channel.exchange(bytes(FRAME_MAX_BYTES), descriptor, 0.05)


async def test_a_full_socket(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """A frame with a descriptor that finds the socket full waits until it is read, and arrives with its descriptor."""
    peer, channel = peer_and_channel
    full = 0
    while count := channel._send_some((bytes(1 << 16),)):
        full += count
    sending = asyncio.create_task(channel.send(b"late", (descriptor,)))
    await asyncio.sleep(0)
    assert not sending.done()
    while full:
        full -= len(peer.recv(min(full, 1 << 16)))
    await sending
    received = receive_frame(peer, descriptors=1)
    assert received is not None
    assert received[0] == b"late"
    close_all(received[1])


async def test_a_cancelled_receiver(peer_and_channel: tuple[socket.socket, Channel]) -> None:
    """Who stops receiving loses nothing: the frame is there for the next one."""
    peer, channel = peer_and_channel
    receiving = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    send_frame(peer, b"answer")
    assert await channel.receive() == b"answer"


async def test_a_deadline_between_two_waits(peer_and_channel: tuple[socket.socket, Channel], descriptor: int) -> None:
    """A deadline that passes while the task is about to go on holds for its next wait."""
    _, channel = peer_and_channel
    exchange = asyncio.create_task(channel.exchange(bytes(FRAME_MAX_BYTES), descriptor, 3600))
    await asyncio.sleep(0)
    channel._settle(b"")
    channel._interrupt()
    with pytest.raises(TimeoutError, match="deadline"):
        await asyncio.wait_for(exchange, 10)


async def test_an_answer_before_the_request_was_read(
    peer_and_channel: tuple[socket.socket, Channel], descriptor: int
) -> None:
    """What the other side says while a long request is still on its way is kept for the one who receives."""
    peer, channel = peer_and_channel
    send_frame(peer, b"hello")
    assert await channel.receive() == b"hello"
    exchange = asyncio.create_task(channel.exchange(bytes(FRAME_MAX_BYTES), descriptor, 10))
    await asyncio.sleep(0)
    send_frame(peer, b"early")
    await asyncio.sleep(0)
    received = await asyncio.get_running_loop().run_in_executor(None, lambda: receive_frame(peer, descriptors=1))
    assert received is not None
    close_all(received[1])
    assert await exchange == b"early"
