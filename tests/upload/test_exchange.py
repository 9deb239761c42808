"""Requests over TLS, and what is said when there is no answer."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sampler.errors import ConsentError, IdentityRefused, QueueFaulty, QueueUnreachable
from sampler.limits import MIB
from sampler.upload.exchange import Exchange

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _server(tls: ssl.SSLContext | None, talk: Talk) -> AsyncIterator[str]:
    """A server that says whatever ``talk`` says."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.transport.abort()

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listening.bind(("127.0.0.1", 0))
        async with await asyncio.start_server(closing, sock=listening, ssl=tls):
            yield f"https://127.0.0.1:{listening.getsockname()[1]}/"


@asynccontextmanager
async def _talking(parties: Any, talk: Talk, **options: Any) -> AsyncIterator[tuple[Exchange, str]]:
    """An exchange, and the URL of such a server."""
    async with (
        _server(parties.server_context(clients=True), talk) as url,
        Exchange(parties.client_context(), **options) as exchange,
    ):
        yield exchange, url


def _says(text: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        await reader.read()

    return talk


async def test_whole_answer(parties: Any) -> None:
    """Status, headers in lower case and the body come back, whatever the status."""
    talk = _says(b"HTTP/1.1 418 Teapot\r\nX-One: two\r\nContent-Length: 3\r\n\r\nabc")
    async with _talking(parties, talk) as (exchange, url):
        answer = await exchange.ask("GET", url)
    assert (answer.status, answer.headers["x-one"], answer.body) == (418, "two", b"abc")


async def test_no_redirect(parties: Any) -> None:
    """A redirect is an answer; it is not followed."""
    talk = _says(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    async with _talking(parties, talk) as (exchange, url):
        assert (await exchange.ask("GET", url)).status == 302


async def test_no_decompression(parties: Any) -> None:
    """A compressed answer stays what it is: it cannot grow past the ceiling."""
    talk = _says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwxyz")
    async with _talking(parties, talk) as (exchange, url):
        assert (await exchange.ask("GET", url)).body == b"wxyz"


async def test_answer_without_end(parties: Any) -> None:
    """Of an answer that never ends no more is read than the ceiling."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()
            await asyncio.sleep(0)

    async with _talking(parties, talk, answer_max_bytes=MIB) as (exchange, url):
        with pytest.raises(QueueFaulty, match="more than 1048576 bytes"):
            await exchange.ask("GET", url)


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
async def test_answer_that_stops(parties: Any, text: bytes) -> None:
    """An answer that stops coming is given up after the stall time, wherever it stops."""
    async with _talking(parties, _says(text), connect_seconds=0.2, stall_seconds=0.2) as (exchange, url):
        with pytest.raises(QueueUnreachable, match="did not go on in time"):
            await exchange.ask("GET", url)


async def test_request_that_is_not_taken(parties: Any) -> None:
    """A body that the other end does not take is given up after the stall time."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of TLS transports
        await asyncio.Event().wait()

    async with _talking(parties, talk, connect_seconds=0.2, stall_seconds=0.3) as (exchange, url):
        with pytest.raises(QueueUnreachable, match="did not go on in time"):
            await exchange.ask("POST", url, body=bytes(64 * MIB))


async def test_slow_body_that_goes_on(parties: Any) -> None:
    """A body may take longer than the stall time, as long as it goes on."""
    took: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while sum(took) < 4 * MIB:
            took.append(len(await reader.read(65536)))
            await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    began = asyncio.get_running_loop().time()
    async with _talking(parties, talk, stall_seconds=0.4) as (exchange, url):
        assert (await exchange.ask("POST", url, body=bytes(4 * MIB))).status == 200
    assert asyncio.get_running_loop().time() - began > 0.4


async def test_not_http(parties: Any) -> None:
    """Something that is not HTTP is no answer."""
    async with _talking(parties, _says(b"SSH-2.0-what\r\n\r\n")) as (exchange, url):
        with pytest.raises(QueueUnreachable):
            await exchange.ask("GET", url)


async def test_nobody_listens(parties: Any) -> None:
    """A port without a listener is said to be one."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with Exchange(parties.client_context()) as exchange:
            with pytest.raises(QueueUnreachable, match="no connection"):
                await exchange.ask("GET", f"https://127.0.0.1:{unused.getsockname()[1]}/")


async def test_queue_of_another_authority(parties: Any, queue: Any) -> None:
    """A queue whose certificate another authority issued gets nothing, and the message says what to check."""
    async with Exchange(parties.client_context(trust=parties.stranger)) as exchange:
        with pytest.raises(IdentityRefused, match=r"not trusted.*nothing was sent.*CA file"):
            await exchange.ask("GET", queue.url)
    assert queue.requests == []


async def test_host_of_another_authority(parties: Any, queue: Any) -> None:
    """A host whose certificate is of another authority learns that it may have been refused."""
    async with Exchange(parties.client_context(show=parties.stranger)) as exchange:
        with pytest.raises(QueueUnreachable, match=r"certificate.*enrol"):
            await exchange.ask("GET", queue.url)
    assert queue.requests == []


async def test_old_tls(parties: Any) -> None:
    """A server that can do no more than TLS 1.2 is not spoken to."""
    old = parties.server_context(clients=False)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    async with _server(old, _says(b"")) as url, Exchange(parties.client_context()) as exchange:
        with pytest.raises(QueueUnreachable, match=r"TLS 1\.3"):
            await exchange.ask("GET", url)


async def test_kept_connection_that_closed(parties: Any) -> None:
    """A repeatable request on a kept connection that turns out to be closed is sent again, once."""
    served: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")

    async with _talking(parties, talk) as (exchange, url):
        for _ in range(3):
            assert (await exchange.ask("POST", url, repeatable=True)).status == 200
    assert len(served) == 3


async def test_pieces_are_counted(parties: Any, queue: Any) -> None:
    """The bytes of a body are told as they go."""
    told: list[int] = []
    async with Exchange(parties.client_context()) as exchange:
        body = os.urandom(200_000)
        answer = await exchange.ask("POST", queue.url + "/nothing", body=body, on_piece=told.append)
    assert answer.status == 404
    assert sum(told) == 200_000


async def _refuses() -> None:
    raise ConsentError("no")


async def test_nothing_is_connected_when_the_check_says_no(parties: Any) -> None:
    """What the check raises comes through, and the server has not even seen a connection."""
    met: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append("somebody")
        await _says(b"HTTP/1.1 204 No\r\n\r\n")(reader, writer)

    async with _talking(parties, talk, check=_refuses) as (exchange, url):
        with pytest.raises(ConsentError):
            await exchange.ask("GET", url)
        assert met == []
        assert (await exchange.ask("DELETE", url, takes_back=True)).status == 204
        assert met == ["somebody"]


async def test_what_takes_back_keeps_no_connection(parties: Any) -> None:
    """It says that the connection ends with it, so that nothing stays open that nobody agreed to."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No\r\n\r\n")
        await writer.drain()

    async with _talking(parties, talk) as (exchange, url):
        await exchange.ask("DELETE", url, takes_back=True)
    assert b"connection: close" in heads[0].lower()


async def test_hanging_up_breaks_off_what_is_under_way(parties: Any) -> None:
    """A request that waits ends as unreachable at once, its connection closes, and the next one gets through."""
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if arrived.is_set():
            writer.write(b"HTTP/1.1 204 No\r\n\r\n")
            await writer.drain()
        arrived.set()
        await reader.read()
        closed.set()

    async with _talking(parties, talk) as (exchange, url), asyncio.timeout(20):
        waiting = asyncio.create_task(exchange.ask("GET", url, patience_seconds=1000))
        await arrived.wait()
        await exchange.hang_up()
        with pytest.raises(QueueUnreachable):
            await waiting
        await closed.wait()
        assert (await exchange.ask("GET", url)).status == 204
