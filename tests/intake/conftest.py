from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import RequestError
from sampler.intake import AgentClient, LocalServer
from sampler.model import Candidate, Failure, Peer
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import SystemClock
from sampler.snapshot import SnapshotTaker, release
from sampler.wire.agent_messages import AgentStatus, ObjectPage, ObjectView
from sampler.wire.local_messages import ScanView
from sampler.wire.messages import ObjectMessage
from sampler.wire.pending_messages import PendingDecision
from sampler.wire.preview_messages import PreviewView
from sampler.wire.recall_messages import RecallView, RecallWish
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolStatus
from sampler.wire.statistics_messages import StatisticsPreview
from sampler.wire.verdict_messages import LookUpView, LookUpWish

WHEN = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


class RecordingHandler:
    """Takes a real snapshot of each candidate and remembers what came."""

    def __init__(self, folder: Path) -> None:
        self._taker = SnapshotTaker(folder)
        self.candidates: list[Candidate] = []
        self.scanned: list[Candidate] = []
        self.contents: list[bytes] = []
        self.listings: list[tuple[Peer, str | None, str | None, int]] = []
        self.shown: list[tuple[str, Peer]] = []
        self.decided: list[tuple[str, Peer, bool]] = []
        self.chosen: list[tuple[str, Peer, list[str] | None]] = []
        self.gate: asyncio.Event | None = None
        self.error: BaseException | None = None
        self.view: ObjectView | None = None

    async def flag(self, candidate: Candidate) -> ObjectView:
        self.candidates.append(candidate)
        taken = await off_loop(self._taker.take, candidate)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if isinstance(taken, Failure):
            return ObjectView(id=candidate.event_id, state=taken.state, created=candidate.received, detail=taken.detail)
        self.contents.append(os.pread(taken.descriptor, taken.size, 0))
        release(taken)
        return ObjectView(
            id=candidate.event_id, state="refused", created=candidate.received, sha256=taken.sha256, size=taken.size
        )

    async def decide_pending(self, event_id: str, peer: Peer, decision: PendingDecision) -> ObjectView:
        self.decided.append((event_id, peer, decision.approve))
        if self.error is not None:
            raise self.error
        return ObjectView(id=event_id, state="spooled" if decision.approve else "refused", created=WHEN)

    async def scan(self, candidate: Candidate) -> ScanView:
        self.scanned.append(candidate)
        taken = await off_loop(self._taker.take, candidate)
        if isinstance(taken, Failure):
            raise RequestError(taken.detail)
        self.contents.append(os.pread(taken.descriptor, taken.size, 0))
        release(taken)
        return ScanView(sha256=taken.sha256, size=taken.size, mime_type="text/plain", ruleset_version="sha256:0")

    async def preview(self, candidate: Candidate) -> PreviewView:
        scanned = await self.scan(candidate)
        return PreviewView(
            object=ObjectMessage(sha256=scanned.sha256, size=scanned.size),
            mime_type=scanned.mime_type,
            kind="other",
            sends=False,
            statement="basic version 1",
        )

    async def show(self, event_id: str, peer: Peer) -> ObjectView | None:
        self.shown.append((event_id, peer))
        return self.view

    async def objects(self, peer: Peer, *, state: str | None, after: str | None, limit: int) -> ObjectPage:
        self.listings.append((peer, state, after, limit))
        return ObjectPage(after="next")

    async def recall(self, event_id: str, peer: Peer, wish: RecallWish) -> RecallView | None:
        return None

    async def statistics(self) -> StatisticsPreview:
        return StatisticsPreview(threshold=20)

    async def look_up(self, wish: LookUpWish) -> LookUpView:
        return LookUpView(sha256=wish.sha256, trouble="nobody was asked")

    async def spool_status(self, peer: Peer) -> SpoolStatus:
        return SpoolStatus(
            objects=0,
            used_bytes=0,
            max_bytes=1,
            free_bytes=0,
            reserve_bytes=0,
            evicted=0,
            expired=0,
            key_made=WHEN,
        )

    async def spool_retry(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        self.chosen.append(("retry", peer, choice.ids))
        return SpoolDone(objects=len(choice.ids or ()))

    async def spool_purge(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        self.chosen.append(("purge", peer, choice.ids))
        if self.error is not None:
            raise self.error
        return SpoolDone(objects=len(choice.ids or ()), ids=choice.ids or [])

    async def status(self) -> AgentStatus:
        return AgentStatus(
            agent_id="agent",
            version="1",
            queue="https://queue.example",
            queue_reachable=None,
            queue_detail="",
            ruleset_version="sha256:0",
            rules=1,
            rule_problems=[],
            consent="none",
            counts={},
            spool_bytes=0,
            children=2,
            sandbox="limits",
        )


@dataclass
class Answer:
    """One HTTP answer, read off a socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Raw:
    """A connection on which the test writes every byte itself."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    path: Path = field(default_factory=Path)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split()[1]), headers, body)

    async def ended(self) -> bytes:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(30):
            return await self.reader.read()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="sampler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def socket_path(open_folder: Path) -> Path:
    return open_folder / "run" / "agent"


@pytest.fixture
def handler(spool: Path) -> RecordingHandler:
    return RecordingHandler(spool)


@pytest.fixture
async def serve(
    socket_path: Path, handler: RecordingHandler, spool: Path
) -> AsyncIterator[Callable[..., Awaitable[LocalServer]]]:
    """Start a server that is closed with the test."""
    async with AsyncExitStack() as servers:

        async def start(**options: Any) -> LocalServer:
            server = LocalServer(socket_path, handler, clock=SystemClock(), spool_folder=spool, **options)
            await server.start()
            servers.push_async_callback(server.close)
            return server

        yield start


@pytest.fixture
async def client(socket_path: Path) -> AsyncIterator[AgentClient]:
    async with AgentClient(socket_path, timeout_seconds=60) as made:
        yield made


@pytest.fixture
async def connect(socket_path: Path) -> AsyncIterator[Callable[[], Awaitable[Raw]]]:
    """Open raw connections that are closed with the test."""
    async with AsyncExitStack() as connections:

        async def open_one() -> Raw:
            reader, writer = await asyncio.open_unix_connection(socket_path)

            async def close() -> None:
                writer.close()
                await asyncio.gather(writer.wait_closed(), return_exceptions=True)

            connections.push_async_callback(close)
            return Raw(reader, writer)

        yield open_one


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until a condition holds; a test that waits for nothing fails after 30 seconds."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0)

    return wait


@pytest.fixture
def descriptors() -> Callable[[], set[int]]:
    """The descriptors that are open in this process at the call."""

    def count() -> set[int]:
        return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}

    return count


@pytest.fixture
def post() -> Callable[..., bytes]:
    """A POST request as bytes."""

    def make(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
        lines = [f"POST {path} HTTP/1.1", "Host: agent", f"Content-Length: {len(body) if length is None else length}"]
        return "\r\n".join([*lines, *headers, "", ""]).encode("utf-8", "surrogateescape") + body

    return make
