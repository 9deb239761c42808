"""Failed exchanges in words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sampler.errors import NotFound, QueueRefused, QueueUnreachable
from sampler.worker import PeopleClient
from sampler.worker.answers import error_of, unreachable


@pytest.fixture
async def plain() -> AsyncIterator[int]:
    """The port of a server that speaks no TLS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_a_server_without_tls_is_said(plain: int, certificates: Path) -> None:
    """Whoever configures the wrong port learns that it is no TLS listener."""
    async with PeopleClient(f"https://localhost:{plain}", certificates / "ca" / "ca.pem", "t") as client:
        with pytest.raises(QueueUnreachable, match="the TLS handshake failed"):
            await client.tasks()


NOWHERE: Any = None
"""In the place of the connection that an error of aiohttp's belongs to."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerTimeoutError("x"), "no answer in time"),
        (aiohttp.InvalidURL("x"), "not a url"),
        (aiohttp.ClientConnectorDNSError(NOWHERE, OSError()), "its name cannot be resolved"),
        (aiohttp.ClientConnectorError(NOWHERE, OSError("odd")), "nobody answers: odd"),
        (aiohttp.ServerDisconnectedError(), "broke off"),
        (aiohttp.ClientPayloadError(), "broke off"),
        (ssl.SSLError(1, "alert"), "the TLS handshake failed"),
        (aiohttp.ClientError(), "the exchange failed: ClientError"),
        (ConnectionResetError(104, "reset"), r"the exchange failed: .*reset"),
    ],
)
def test_every_reason_has_words(error: Exception, words: str) -> None:
    """Each way to fail names the queue's address and the reason."""
    said = unreachable(error, "https://queue")
    assert isinstance(said, QueueUnreachable)
    assert str(said).startswith("https://queue: ")
    with pytest.raises(QueueUnreachable, match=words):
        raise said


def test_an_answer_without_words_gets_some() -> None:
    """A refusal with an empty or foreign body is named by its status."""
    assert str(error_of(404, b"", None, "task")) == "task: the queue answered 404"
    assert isinstance(error_of(404, b"<html>", None, "task"), NotFound)


def test_the_title_stands_in_for_a_missing_detail() -> None:
    """A problem without a detail is told by its title."""
    body = b'{"type":"urn:sampler:problem:x","title":"Too long","status":413}'
    error: Any = error_of(413, body, None, "fail")
    assert isinstance(error, QueueRefused)
    assert str(error) == "fail: Too long"
