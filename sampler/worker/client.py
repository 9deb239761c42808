"""The people's and workers' side of the queue: one method an operation, every answer read with a ceiling and a
deadline.

It follows no redirect, for the token would travel along, and it decompresses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import aiohttp
import msgspec

from sampler.errors import ContentMismatch, DeliveryError, SettingsError
from sampler.identity import people_client_context
from sampler.limits import (
    ANSWER_MAX_BYTES,
    BODY_STALL_SECONDS,
    COPY_CHUNK_BYTES,
    DOWNLOAD_DEADLINE_SECONDS,
    EVENTS_BEAT_SECONDS,
    EVENTS_MAX_SECONDS,
    LONG_POLL_MAX_SECONDS,
)
from sampler.model import TaskState
from sampler.neutered import Form
from sampler.wire import routes
from sampler.wire.ask_messages import AskPage, AskRequest, AskView
from sampler.wire.audit_messages import AuditPage
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.messages import (
    CancelRequest,
    CompleteRequest,
    FailRequest,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    RenewRequest,
    SubmissionView,
    TaskPage,
    TaskView,
    WorkEvent,
)
from sampler.wire.receipt_messages import LogKey, LogProof, Signed
from sampler.wire.retention_messages import (
    DuePage,
    HoldPage,
    HoldRequest,
    HoldView,
    Part,
    RetentionStatus,
    RunAnswer,
    RunRequest,
)
from sampler.wire.rollup_messages import Dimension, RollupPage
from sampler.wire.search_messages import SearchPage, SearchRequest
from sampler.wire.statistics_messages import StatisticsPage
from sampler.worker.answers import error_of, unreachable
from sampler.worker.events import messages
from sampler.worker.private_files import write_privately

A = TypeVar("A", bound=msgspec.Struct)

_CONNECT_SECONDS: Final = 15.0
_MESSAGE_TIMEOUT: Final = aiohttp.ClientTimeout(total=LONG_POLL_MAX_SECONDS + 30, sock_connect=_CONNECT_SECONDS)
_EVENTS_TIMEOUT: Final = aiohttp.ClientTimeout(
    total=EVENTS_MAX_SECONDS + 30, sock_connect=_CONNECT_SECONDS, sock_read=4 * EVENTS_BEAT_SECONDS
)
_DOWNLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(
    total=DOWNLOAD_DEADLINE_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=BODY_STALL_SECONDS
)


class PeopleClient:
    """One queue, by one token. An async context manager.

    Every method raises ``QueueUnreachable``, ``QueueBusy`` or ``QueueRefused`` (``DeliveryError`` all of them) where
    the exchange did not succeed, and ``NotFound`` or ``Conflict`` where its own docstring says so.
    """

    def __init__(self, url: str, ca: Path, token: str) -> None:
        """Prepare to talk to the people's listener at ``url``.

        Raises:
            SettingsError: ``url`` is not https.
            IdentityError: the CA file is absent, damaged or outside its time.
        """
        if not url.startswith("https://"):
            raise SettingsError(f"the queue's url begins with https://, not {url!r}")
        self._url = url.rstrip("/")
        self._tls = people_client_context(ca)
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        self._open: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._open = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=COPY_CHUNK_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def lease(self, request: LeaseRequest) -> Lease | None:
        """The next task, or the one that is named; ``None`` when nothing was waiting.

        Raises:
            NotFound: the named task does not exist.
            Conflict: the named task is not free.
        """
        return (await self._call(routes.LEASES, LeaseAnswer, body=request)).lease

    async def renew(self, task: str, request: RenewRequest) -> TaskView:
        """Keep a lease longer.

        Raises:
            Conflict: the lease is lost.
            NotFound: the task is gone.
        """
        return await self._call(routes.RENEW, TaskView, body=request, id=task)

    async def complete(self, task: str, request: CompleteRequest) -> TaskView:
        """Report a verdict; it ends the task.

        Raises:
            Conflict: the lease is lost.
            NotFound: the task is gone.
        """
        return await self._call(routes.COMPLETE, TaskView, body=request, id=task)

    async def fail(self, task: str, request: FailRequest) -> TaskView:
        """Give a task back.

        Raises:
            Conflict: the lease is lost.
            NotFound: the task is gone.
        """
        return await self._call(routes.FAIL, TaskView, body=request, id=task)

    async def requeue(self, task: str) -> TaskView:
        """Let a dead or cancelled task be tried again.

        Raises:
            Conflict: the task is neither.
            NotFound: there is no such task.
        """
        return await self._call(routes.REQUEUE, TaskView, id=task)

    async def cancel(self, task: str, request: CancelRequest) -> TaskView:
        """End a task without a verdict.

        Raises:
            Conflict: the task has a verdict.
            NotFound: there is no such task.
        """
        return await self._call(routes.CANCEL, TaskView, body=request, id=task)

    async def tasks(
        self, *, state: TaskState | str | None = None, after: str | None = None, limit: int = 100
    ) -> TaskPage:
        """A page of tasks, oldest first; ``after`` is the ``after`` of the page before."""
        query = {"limit": str(limit)} | ({"state": state} if state else {}) | ({"after": after} if after else {})
        return await self._call(routes.TASKS, TaskPage, query=query)

    async def task(self, task: str) -> TaskView:
        """One task.

        Raises:
            NotFound: there is no such task.
        """
        return await self._call(routes.TASK, TaskView, id=task)

    async def watch(self, task: str) -> AsyncGenerator[TaskView, None]:
        """A task now and after each change, until it ends or the queue ends the stream, which may be at any time.

        Raises:
            NotFound: there is no such task.
        """
        async with self._exchange(routes.TASK_EVENTS, timeout=_EVENTS_TIMEOUT, id=task) as response:
            async for view in messages(response.content.iter_any(), TaskView):
                yield view

    async def work(self, kinds: Sequence[str] = ()) -> AsyncGenerator[WorkEvent, None]:
        """The kinds that tasks wait for: now, when that changes, and from time to time, until the queue ends it."""
        query = {"kinds": ",".join(kinds)} if kinds else {}
        async with self._exchange(routes.WORK_EVENTS, timeout=_EVENTS_TIMEOUT, query=query) as response:
            async for event in messages(response.content.iter_any(), WorkEvent):
                yield event

    async def submission(self, submission: str) -> SubmissionView:
        """One submission.

        Raises:
            NotFound: there is no such submission.
        """
        return await self._call(routes.SUBMISSION, SubmissionView, id=submission)

    async def ask(self, submission: str, request: AskRequest) -> AskView:
        """Ask a submission's host for more of the object.

        Raises:
            NotFound: there is no such submission.
        """
        return await self._call(routes.ASK, AskView, body=request, id=submission)

    async def asks(self, submission: str | None = None) -> AskPage:
        """What hosts were asked for, newest first; about one submission where it is named."""
        query = {"submission": submission} if submission else {}
        return await self._call(routes.ASKS, AskPage, query=query)

    async def statistics(self, since: date | None = None, until: date | None = None) -> StatisticsPage:
        """Closed days of statistics, the oldest first."""
        named = {"since": since, "until": until}
        query = {name: str(day) for name, day in named.items() if day is not None}
        return await self._call(routes.STATISTICS, StatisticsPage, query=query)

    async def search(self, request: SearchRequest) -> SearchPage:
        """A page of submissions that meet the conditions."""
        return await self._call(routes.SEARCH, SearchPage, body=request)

    async def retention(self) -> RetentionStatus:
        """How long what came in is kept, and what is due."""
        return await self._call(routes.RETENTION, RetentionStatus)

    async def retention_due(self, part: Part, at: datetime | None = None, after: str | None = None) -> DuePage:
        """What would be destroyed now, or at another moment; changes nothing."""
        when = {"at": at.isoformat()} if at else {}
        query = {"part": part.value} | when | ({"after": after} if after else {})
        return await self._call(routes.RETENTION_DUE, DuePage, query=query)

    async def run_retention(self, request: RunRequest) -> RunAnswer:
        """Destroy some of what is due now."""
        return await self._call(routes.RETENTION_RUN, RunAnswer, body=request)

    async def holds(self, *, lifted: bool = False) -> HoldPage:
        """What retention leaves alone, the newest first."""
        return await self._call(routes.HOLDS, HoldPage, query={"lifted": str(int(lifted))})

    async def place_hold(self, request: HoldRequest) -> HoldView:
        """Let retention leave something alone."""
        return await self._call(routes.PLACE_HOLD, HoldView, body=request)

    async def lift_hold(self, hold: str) -> HoldView:
        """Let retention go on with it.

        Raises:
            NotFound: there is no such hold.
            Conflict: it was lifted before.
        """
        return await self._call(routes.LIFT_HOLD, HoldView, id=hold)

    async def rollups(
        self, since: date | None = None, until: date | None = None, by: Dimension | None = None
    ) -> RollupPage:
        """Numbers of submissions by day."""
        named = {"since": since, "until": until, "by": by}
        query = {name: str(value) for name, value in named.items() if value is not None}
        return await self._call(routes.ROLLUPS, RollupPage, query=query)

    async def audit(self, **asked: str) -> AuditPage:
        """A page of who did what, the oldest first; ``asked`` are the route's query parameters."""
        return await self._call(routes.AUDIT, AuditPage, query=asked)

    async def log_key(self) -> str:
        """The key that the queue says it signs receipts and heads of their log with."""
        return (await self._call(routes.LOG_KEY, LogKey)).key

    async def log_head(self) -> Signed:
        """The log of receipts as it is now."""
        return await self._call(routes.LOG_HEAD, Signed)

    async def log_consistency(self, first: int, second: int) -> LogProof:
        """The proof that the log of ``second`` receipts begins with that of ``first``."""
        return await self._call(routes.LOG_CONSISTENCY, LogProof, query={"first": str(first), "second": str(second)})

    async def download(self, sha256: str, size: int, path: Path) -> str:
        """Download a content of ``size`` bytes to a new file, mode 0600; its SHA-256, which is the one asked for.

        Whatever goes wrong, no part of the file is left.

        Raises:
            NotFound: the queue does not hold it.
            ContentMismatch: the bytes are not ``size`` many or do not hash to ``sha256``.
            FileExistsError: there is something at ``path`` already; it is left as it is.
            OSError: the file cannot be written.
        """
        await write_privately(path, self.stream(sha256, size))
        return sha256

    async def stream(self, sha256: str, size: int) -> AsyncGenerator[bytes, None]:
        """The same bytes in chunks. Trust none of them before the iteration has ended without an error.

        Raises:
            NotFound: the queue does not hold it.
            ContentMismatch: the bytes are not ``size`` many or do not hash to ``sha256``.
        """
        digest, seen = hashlib.sha256(), 0
        async for chunk in self.wrapped(sha256, Form.RAW, max_bytes=size):
            seen += len(chunk)
            digest.update(chunk)
            yield chunk
        if seen != size or digest.hexdigest() != sha256:
            came = f"{seen} bytes came that hash to {digest.hexdigest()}"
            raise ContentMismatch(f"content {sha256}: {came}, not the {size} bytes of that name")

    async def wrapped(self, sha256: str, form: Form, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """A content in one of its forms, in chunks; nothing of it is checked but that there are no more than these.

        Raises:
            NotFound: the queue does not hold it.
            ContentMismatch: there are more than ``max_bytes``.
            QueueRefused: this token may not have it in this form.
        """
        query, seen = {"form": form.value}, 0
        async with self._exchange(routes.CONTENT, timeout=_DOWNLOAD_TIMEOUT, query=query, sha256=sha256) as response:
            async for chunk in response.content.iter_chunked(COPY_CHUNK_BYTES):
                seen += len(chunk)
                if seen > max_bytes:
                    raise ContentMismatch(f"content {sha256}: the queue sends more than its {max_bytes} bytes")
                yield chunk

    async def _call(
        self,
        route: routes.Route,
        kind: type[A],
        *,
        body: msgspec.Struct | None = None,
        query: dict[str, str] | None = None,
        **variables: str,
    ) -> A:
        async with self._exchange(route, body=body, query=query, timeout=_MESSAGE_TIMEOUT, **variables) as response:
            data = await _read(response)
        try:
            return decode(data, kind)
        except DecodeError as error:
            raise DeliveryError(f"{route.name}: the answer is not one of this interface: {error}") from error

    @asynccontextmanager
    async def _exchange(
        self,
        route: routes.Route,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - it is the library's own deadline object
        body: msgspec.Struct | None = None,
        query: dict[str, str] | None = None,
        **variables: str,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request and its successful answer, foreign errors made ours."""
        if self._open is None:
            raise RuntimeError("PeopleClient is used outside its async with")
        try:
            async with self._open.request(
                route.method,
                self._url + route.at(**variables),
                params=query,
                data=None if body is None else encode(body),
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != route.status:
                    raise error_of(
                        response.status, await _read(response), response.headers.get("Retry-After"), route.name
                    )
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error, self._url) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(COPY_CHUNK_BYTES):
        data += chunk
        if len(data) > ANSWER_MAX_BYTES:
            raise DeliveryError(f"the queue's answer has more than {ANSWER_MAX_BYTES} bytes")
    return bytes(data)
