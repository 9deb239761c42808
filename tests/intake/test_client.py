from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sampler.errors import AgentUnreachable, QueueBusy, RequestError
from sampler.intake import AgentClient
from sampler.intake.answers import Answer, message_of
from sampler.limits import ANSWER_MAX_BYTES
from sampler.wire.agent_messages import FlagRequest, ObjectPage

Play = Callable[[bytes], Awaitable[None]]


@pytest.fixture
async def play(socket_path: Path) -> AsyncIterator[Play]:
    """Play an agent that answers each connection with the same bytes and ends it."""
    socket_path.parent.mkdir()
    async with AsyncExitStack() as servers:

        async def start(answer: bytes) -> None:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                writer.close()

            servers.callback((await asyncio.start_unix_server(serve, socket_path)).close)

        yield start


def http(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


async def flag_descriptor(client: AgentClient) -> None:
    with open("/dev/null", "rb") as file:
        await client.flag_descriptor(file.fileno(), FlagRequest())


async def flag(client: AgentClient) -> None:
    await client.flag(FlagRequest(path="/x"))


CALLS = [flag, flag_descriptor]
Call = Callable[[AgentClient], Awaitable[None]]


@pytest.mark.parametrize("call", CALLS)
async def test_nobody_listens(client: AgentClient, socket_path: Path, call: Call) -> None:
    """Where no agent is, the error names the socket, and it is a refusal that callers may treat as one."""
    with pytest.raises(AgentUnreachable) as caught:
        await call(client)
    assert str(socket_path) in str(caught.value)
    assert isinstance(caught.value, RequestError)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"no HTTP\r\n\r\n"])
async def test_agent_goes_away(client: AgentClient, play: Play, call: Call, answer: bytes) -> None:
    """An agent that ends in the middle, or is none, is unreachable."""
    await play(answer)
    with pytest.raises(AgentUnreachable):
        await call(client)


@pytest.mark.parametrize("call", CALLS)
async def test_agent_that_never_answers(socket_path: Path, call: Call) -> None:
    """An agent that does not answer in time is given up."""
    socket_path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_path))
        listener.listen()
        async with AgentClient(socket_path, timeout_seconds=0.1) as client:
            with pytest.raises(AgentUnreachable):
                await call(client)


@pytest.mark.parametrize("call", CALLS)
async def test_refusal(client: AgentClient, play: Play, call: Call) -> None:
    """A refusal is raised in the agent's words."""
    await play(http("422 Unprocessable", b'{"type": "t", "title": "T", "status": 422, "detail": "because"}'))
    with pytest.raises(RequestError, match=r"^because$"):
        await call(client)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", ["429 X", "503 X", "507 X"])
async def test_asked_to_wait(client: AgentClient, play: Play, call: Call, status: str) -> None:
    """An agent that asks to wait is heard, with the seconds that it names."""
    await play(http(status, b'{"type": "t", "title": "T", "status": 429}', "Retry-After: 7"))
    with pytest.raises(QueueBusy, match=r"^T$") as caught:
        await call(client)
    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize("call", CALLS)
async def test_answer_that_is_too_long(client: AgentClient, play: Play, call: Call) -> None:
    """An answer is read up to its ceiling."""
    await play(http("200 OK", b" " * (ANSWER_MAX_BYTES + 10)))
    with pytest.raises(RequestError, match="more than"):
        await call(client)


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(None, None), ("5", 5.0), ("soon", None), ("-1", None), ("\u00b2", None)]
)
def test_retry_after(retry_after: str | None, seconds: float | None) -> None:
    """A time to wait that is no number of seconds is none."""
    with pytest.raises(QueueBusy, match="status 429") as caught:
        message_of(Answer(429, retry_after, b"<html>"), ObjectPage)
    assert caught.value.retry_after_seconds == seconds


def test_answer_of_another_version() -> None:
    """An answer that is not the expected message is told as such."""
    with pytest.raises(RequestError, match="another version"):
        message_of(Answer(200, None, b'{"objects": 1}'), ObjectPage)


async def test_descriptor_stays_open(client: AgentClient, play: Play) -> None:
    """Flagging a descriptor does not close it, however that ends."""
    await play(b"")
    descriptor = os.open("/dev/null", os.O_RDONLY)
    with pytest.raises(AgentUnreachable):
        await client.flag_descriptor(descriptor, FlagRequest())
    os.close(descriptor)
