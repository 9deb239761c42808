from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sampler.intake import LocalServer

Serve = Callable[..., Awaitable[LocalServer]]
UID = 65534 if os.geteuid() == 0 else os.geteuid()

PEER = """
import asyncio, json, os, sys
from pathlib import Path
from sampler.errors import RequestError
from sampler.intake import AgentClient
from sampler.wire.agent_messages import FlagRequest

if os.geteuid() == 0:
    os.setgroups([4242])
    os.setgid(65534)
    os.setuid(65534)

async def ask(client, kind, path):
    if kind == "path":
        return await client.flag(FlagRequest(path=path))
    if kind == "bytes":
        return await client.flag_bytes(b"passed bytes", FlagRequest(path=path))
    if kind == "pid":
        return await client.flag(FlagRequest(path=path, pid=1))
    descriptor = os.open(path, os.O_RDONLY)
    return await client.flag_descriptor(descriptor, FlagRequest(path=path))

async def main():
    async with AgentClient(Path(sys.argv[1])) as client:
        try:
            view = await ask(client, sys.argv[2], sys.argv[3])
            print(json.dumps({"state": view.state, "detail": view.detail}))
        except RequestError as error:
            print(json.dumps({"state": "error", "detail": str(error)}))

asyncio.run(main())
"""


@pytest.fixture
def ask(socket_path: Path) -> Callable[[str, Path], Awaitable[dict[str, Any]]]:
    """Ask from a process of another user; where the tests are not root's, of the same one."""

    async def run(kind: str, path: Path) -> dict[str, Any]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PEER, str(socket_path), kind, str(path), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(child.communicate(), 60)
        assert child.returncode == 0
        answer: dict[str, Any] = json.loads(output)
        return answer

    return run


Ask = Callable[[str, Path], Awaitable[dict[str, Any]]]


@pytest.fixture
def secret(open_folder: Path) -> Path:
    """A file that only its owner may read."""
    file = open_folder / "secret"
    file.write_bytes(b"secret")
    file.chmod(0o600)
    return file


async def test_path_that_the_peer_may_not_read(serve: Serve, handler: Any, ask: Ask, secret: Path) -> None:
    """Another user's path to root's own file gets not a byte of it; the owner's does."""
    await serve()
    answer = await ask("path", secret)
    assert handler.candidates[0].peer.uid == UID
    if os.geteuid() == 0:
        assert answer["state"] == "unreadable"
        assert "may not read" in answer["detail"]
        assert handler.contents == []
    else:
        assert handler.contents == [b"secret"]


async def test_path_that_the_peers_group_may_read(serve: Serve, handler: Any, ask: Ask, secret: Path) -> None:
    """The kernel's word on a peer's supplementary groups decides as well."""
    await serve()
    if os.geteuid() == 0:
        os.chown(secret, 0, 4242)
        secret.chmod(0o640)
    await ask("path", secret)
    assert handler.contents == [b"secret"]
    expected = (4242,) if os.geteuid() == 0 else tuple(os.getgroups())
    assert handler.candidates[0].peer.groups == expected


async def test_bytes_of_another_user(serve: Serve, handler: Any, ask: Ask, secret: Path) -> None:
    """Bytes are taken from everybody, whatever they are called."""
    await serve()
    await ask("bytes", secret)
    assert handler.contents == [b"passed bytes"]


async def test_descriptor_of_another_user(serve: Serve, handler: Any, ask: Ask, open_folder: Path) -> None:
    """A descriptor that another user could open is taken from it."""
    own = open_folder / "own"
    own.write_bytes(b"own")
    own.chmod(0o600)
    os.chown(own, UID, -1)
    await serve()
    await ask("descriptor", own)
    assert handler.contents == [b"own"]
    assert handler.candidates[0].peer.uid == UID


async def test_process_of_another_user(serve: Serve, handler: Any, ask: Ask, secret: Path) -> None:
    """A peer cannot have the agent look at another user's process."""
    await serve()
    answer = await ask("pid", secret)
    if os.geteuid() == 0:
        assert (answer["state"], "another user" in answer["detail"]) == ("error", True)
        assert handler.candidates == []
    else:
        assert handler.candidates[0].pid == 1


HASTY = """
import http.client, json, os, socket, sys

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

connection = http.client.HTTPConnection("agent")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
said = []
for _ in range(int(sys.argv[2])):
    connection.request("GET", "/v1/status")
    answer = connection.getresponse()
    answer.read()
    said.append((answer.status, answer.getheader("Retry-After")))
print(json.dumps(said))
"""


async def test_a_hasty_user_is_told_how_long_to_wait(serve: Serve, socket_path: Path) -> None:
    """Beyond its burst it gets 429 on an open connection, and is admitted after the seconds that it was told."""
    now = [0]
    await serve(requests_per_second=0.4, burst=2, monotonic_ns=lambda: now[0])

    async def ask(times: int) -> list[list[Any]]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HASTY, str(socket_path), str(times), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(child.communicate(), 60)
        said: list[list[Any]] = json.loads(output)
        return said

    refused = [429, "3"] if os.geteuid() == 0 else [200, None]
    assert await ask(4) == [[200, None], [200, None], refused, refused]
    now[0] += 3_000_000_000
    assert (await ask(2))[0] == [200, None]
