"""Our uploads arrive at a server of others: npm's @tus/server, killed in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import QueueUnreachable
from sampler.limits import CHUNK_MAX_BYTES, CREATE_WITH_UPLOAD_MAX_BYTES, MIB
from sampler.model import Content
from sampler.upload import QueueLink
from tests.support import node_packages


class OtherServer:
    """@tus/server in a process of its own, behind mutual TLS."""

    def __init__(self, parties: Any, folder: Path) -> None:
        self._parties = parties
        self.folder = folder
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        node, server = node_packages.installed(), self._parties.server
        files = (server.certificate, server.key, self._parties.authority.certificate)
        command = node.command("tus_server.mjs", str(self.folder), str(self.port), *map(str, files))
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=node.folder)
        assert self._process.stdout is not None
        self.port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None

    def content(self, url: str) -> bytes:
        return (self.folder / url.rpartition("/")[2]).read_bytes()


@pytest.fixture
async def other(parties: Any, tmp_path: Path) -> AsyncIterator[OtherServer]:
    folder = tmp_path / "uploads"
    folder.mkdir()
    server = OtherServer(parties, folder)
    await server.start()
    yield server
    await server.kill()


class Delivery:
    """One content on its way, and where it goes on."""

    def __init__(self, data: bytes) -> None:
        self.content = Content(hashlib.sha256(data).hexdigest(), len(data), 0)
        self.url = ""
        self.sent = 0
        self._data = data

    async def run(self, link: QueueLink, resume_url: str | None = None) -> None:
        await link.upload(
            "2f1d9b56-0c7b-4b6f-9f49-7f2f7d1f0c11",
            self.content,
            lambda _: BytesIO(self._data),
            resume_url=resume_url,
            on_created=self._created,
            on_sent=self._count,
        )

    async def _created(self, url: str) -> None:
        self.url = url

    def _count(self, length: int) -> None:
        self.sent += length


@pytest.mark.parametrize(
    "size", [0, 1000, CREATE_WITH_UPLOAD_MAX_BYTES + 1, CHUNK_MAX_BYTES + MIB], ids=["none", "small", "chunk", "stream"]
)
async def test_contents_of_every_size(other: OtherServer, parties: Any, size: int) -> None:
    """In one request, in one that is checked, in a stream: byte for byte."""
    data = os.urandom(size)
    delivery = Delivery(data)
    async with QueueLink(f"https://127.0.0.1:{other.port}", parties.client_context()) as link:
        await delivery.run(link)
    assert data in [path.read_bytes() for path in other.folder.iterdir() if path.suffix != ".json"]


async def test_a_server_that_is_killed_in_the_middle(other: OtherServer, parties: Any) -> None:
    """When it is back, the upload goes on at what it has, and not at the beginning."""
    data = os.urandom(40 * MIB)
    delivery = Delivery(data)
    async with QueueLink(f"https://127.0.0.1:{other.port}", parties.client_context()) as link:
        under_way = asyncio.create_task(delivery.run(link))
        async with asyncio.timeout(60):
            while delivery.sent < 10 * MIB:
                await asyncio.sleep(0)
        await other.kill()
        with pytest.raises(QueueUnreachable):
            await under_way
        assert len(other.content(delivery.url)) < len(data)
        await other.start()
        delivery.sent = 0
        await delivery.run(link, delivery.url)
    assert delivery.sent < len(data)
    assert other.content(delivery.url) == data


async def test_an_upload_that_is_ended_is_begun_anew(other: OtherServer, parties: Any) -> None:
    """Termination is understood, and so is that the upload is gone."""
    data = os.urandom(2 * MIB)
    delivery = Delivery(data)
    async with QueueLink(f"https://127.0.0.1:{other.port}", parties.client_context()) as link:
        await delivery.run(link)
        ended = delivery.url
        await link.terminate(ended)
        await delivery.run(link, ended)
    assert delivery.url != ended
    assert other.content(delivery.url) == data
