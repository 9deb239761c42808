"""The other side of the local socket: what a scanner, the command line and the demo use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from sampler.errors import AgentUnreachable
from sampler.intake.answers import Answer, message_of
from sampler.intake.descriptor_call import post_with_descriptor
from sampler.limits import ANSWER_MAX_BYTES, COPY_CHUNK_BYTES
from sampler.runtime.blocking import off_loop
from sampler.wire import local_routes
from sampler.wire.agent_messages import AgentStatus, FlagRequest, ObjectPage, ObjectView
from sampler.wire.capture_messages import CaptureRequest
from sampler.wire.codec import encode
from sampler.wire.local_messages import ScanView
from sampler.wire.pending_messages import PendingDecision
from sampler.wire.preview_messages import PreviewView
from sampler.wire.recall_messages import RecallView, RecallWish
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolStatus
from sampler.wire.statistics_messages import StatisticsPreview
from sampler.wire.verdict_messages import LookUpView, LookUpWish

M = TypeVar("M")


class AgentClient:
    """Talks to the agent on this machine; an async context manager.

    Every method raises ``RequestError`` when the agent refuses, its subclass ``AgentUnreachable`` when nothing answers,
    and ``QueueBusy`` when it asks to wait.

    Args:
        socket: the agent's socket.
        timeout_seconds: how long one request may take.
    """

    def __init__(self, socket: Path, *, timeout_seconds: float = 600.0) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            "http://agent",
            connector=aiohttp.UnixConnector(str(self._socket)),
            timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def flag(self, request: FlagRequest) -> ObjectView:
        """Have an object looked at that the request names by its path."""
        return await self._ask(local_routes.FLAG, request, ObjectView)

    async def flag_descriptor(self, descriptor: int, request: FlagRequest) -> ObjectView:
        """Have an object looked at that is open for reading here; ``descriptor`` stays the caller's."""
        return await self._pass(local_routes.FLAG, descriptor, request, ObjectView)

    async def flag_bytes(self, content: AsyncIterable[bytes] | bytes, request: FlagRequest) -> ObjectView:
        """Have bytes looked at."""
        return await self._send(local_routes.FLAG_BYTES, content, request, ObjectView)

    async def scan(self, request: FlagRequest) -> ScanView:
        """Have an object scanned that the request names by its path; nothing is kept, nothing is sent."""
        return await self._ask(local_routes.SCAN, request, ScanView)

    async def scan_descriptor(self, descriptor: int, request: FlagRequest) -> ScanView:
        """Have an object scanned that is open for reading here; ``descriptor`` stays the caller's."""
        return await self._pass(local_routes.SCAN, descriptor, request, ScanView)

    async def scan_bytes(self, content: AsyncIterable[bytes] | bytes, request: FlagRequest) -> ScanView:
        """Have bytes scanned."""
        return await self._send(local_routes.SCAN_BYTES, content, request, ScanView)

    async def preview(self, request: FlagRequest) -> PreviewView:
        """What flagging an object would send, named by its path; nothing is kept, nothing is sent."""
        return await self._ask(local_routes.PREVIEW, request, PreviewView)

    async def preview_descriptor(self, descriptor: int, request: FlagRequest) -> PreviewView:
        """As ``preview``, of what is open for reading here; ``descriptor`` stays the caller's."""
        return await self._pass(local_routes.PREVIEW, descriptor, request, PreviewView)

    async def preview_bytes(self, content: AsyncIterable[bytes] | bytes, request: FlagRequest) -> PreviewView:
        """As ``preview``, of bytes."""
        return await self._send(local_routes.PREVIEW_BYTES, content, request, PreviewView)

    async def capture(self, request: CaptureRequest) -> ObjectView:
        """Have memory, boot records or a report on a process taken."""
        return message_of(await self._exchange("POST", local_routes.CAPTURE, data=encode(request)), ObjectView)

    async def preview_capture(self, request: CaptureRequest) -> PreviewView:
        """What capturing would send; nothing is kept, nothing is sent."""
        path = local_routes.CAPTURE_PREVIEW
        return message_of(await self._exchange("POST", path, data=encode(request)), PreviewView)

    async def show(self, event_id: str) -> ObjectView | None:
        """One object, or ``None`` if there is none that the caller may see."""
        answer = await self._exchange("GET", local_routes.OBJECT.format(id=event_id))
        return None if answer.status == HTTPStatus.NOT_FOUND else message_of(answer, ObjectView)

    async def objects(self, *, state: str | None = None, after: str | None = None, limit: int = 100) -> ObjectPage:
        """A page of the objects that the caller may see, newest first."""
        query = {"state": state, "after": after, "limit": str(limit)}
        given = {key: value for key, value in query.items() if value is not None}
        return message_of(await self._exchange("GET", local_routes.OBJECTS, params=given), ObjectPage)

    async def statistics(self) -> StatisticsPreview:
        """Counters of this host's days, and what of them leaves."""
        return message_of(await self._exchange("GET", local_routes.STATISTICS), StatisticsPreview)

    async def decide_pending(self, event_id: str, *, approve: bool) -> ObjectView:
        """Approve or deny contents that wait; the record after it."""
        path = local_routes.PENDING.format(id=event_id)
        body = encode(PendingDecision(approve=approve))
        return message_of(await self._exchange("POST", path, data=body), ObjectView)

    async def recall(self, event_id: str, wish: RecallWish) -> RecallView | None:
        """Take an object back; ``None`` if there is none. Once more, it says how far that is."""
        answer = await self._exchange("POST", local_routes.RECALL_OBJECT.format(id=event_id), data=encode(wish))
        return None if answer.status == HTTPStatus.NOT_FOUND else message_of(answer, RecallView)

    async def look_up(self, wish: LookUpWish) -> LookUpView:
        """What is known of a file by its hash."""
        return message_of(await self._exchange("POST", local_routes.LOOKUP, data=encode(wish)), LookUpView)

    async def spool_status(self) -> SpoolStatus:
        """How the spool is."""
        return message_of(await self._exchange("GET", local_routes.SPOOL), SpoolStatus)

    async def spool_retry(self, choice: SpoolChoice) -> SpoolDone:
        """Try what waits at once."""
        return message_of(await self._exchange("POST", local_routes.SPOOL_RETRY, data=encode(choice)), SpoolDone)

    async def spool_purge(self, choice: SpoolChoice) -> SpoolDone:
        """End what waits, undelivered."""
        return message_of(await self._exchange("POST", local_routes.SPOOL_PURGE, data=encode(choice)), SpoolDone)

    async def status(self) -> AgentStatus:
        """How the agent is."""
        return message_of(await self._exchange("GET", local_routes.STATUS), AgentStatus)

    async def _ask(self, path: str, request: FlagRequest, kind: type[M]) -> M:
        return message_of(await self._exchange("POST", path, data=encode(request)), kind)

    async def _pass(self, path: str, descriptor: int, request: FlagRequest, kind: type[M]) -> M:
        body = encode(msgspec.structs.replace(request, descriptor=True))
        answer = await off_loop(post_with_descriptor, self._socket, path, descriptor, body, self._timeout_seconds)
        return message_of(answer, kind)

    async def _send(self, path: str, content: AsyncIterable[bytes] | bytes, request: FlagRequest, kind: type[M]) -> M:
        headers = {local_routes.FLAG_HEADER: json.dumps(msgspec.to_builtins(request))}
        if isinstance(content, bytes):
            headers["Content-Length"] = str(len(content))
            content = _slices(content)
        return message_of(await self._exchange("POST", path, data=content, headers=headers), kind)

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        data: bytes | AsyncIterable[bytes] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        options: dict[str, Any] = {"data": data, "params": params, "headers": headers}
        try:
            async with self._session.request(method, path, **options) as response:
                return Answer(response.status, response.headers.get("Retry-After"), await _read(response))
        except aiohttp.ClientConnectorError as error:
            raise AgentUnreachable(
                f"no agent answers on {self._socket} ({error.strerror}); start it with `sampler agent run`"
            ) from error
        except TimeoutError as error:
            raise AgentUnreachable(f"the agent did not answer within {self._timeout_seconds:g} seconds") from error
        except aiohttp.ClientError as error:
            raise AgentUnreachable(f"the agent on {self._socket} went away before it answered: {error}") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """A whole answer, up to one byte more than ``ANSWER_MAX_BYTES``."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece[: ANSWER_MAX_BYTES + 1 - len(body)]
        if len(body) > ANSWER_MAX_BYTES:
            break
    return bytes(body)


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for offset in range(0, len(content), COPY_CHUNK_BYTES):
        yield content[offset : offset + COPY_CHUNK_BYTES]
