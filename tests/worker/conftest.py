"""A small queue in memory behind real TLS on loopback, which speaks the routes that people and workers use."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from aiohttp import web

from sampler.identity import Authority, make_token, people_server_context
from sampler.model import PartKind, SubmissionState, TaskState
from sampler.runtime.backoff import Backoff
from sampler.wire import routes
from sampler.wire.codec import decode, encode
from sampler.wire.messages import (
    CompleteRequest,
    FailRequest,
    Fields,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    ObjectMessage,
    PartMessage,
    Problem,
    RenewRequest,
    StoredContent,
    SubmissionView,
    TaskPage,
    TaskView,
)
from sampler.worker import PeopleClient

M = TypeVar("M", bound=msgspec.Struct)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Queue:
    """What the server knows, and what a test makes it do."""

    ca: Path
    tls: Any
    token: str = field(default_factory=lambda: make_token(routes.Role.WORKER))
    tasks: dict[str, TaskView] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Names of the routes that were asked for, in order."""
    completed: list[CompleteRequest] = field(default_factory=list)
    failed: list[FailRequest] = field(default_factory=list)
    answers: dict[str, deque[Answer]] = field(default_factory=dict)
    """Answers that a test puts in the place of the real ones, by the route's name; each is given once."""
    kinds: list[str] = field(default_factory=list)
    """That the last request for work named."""
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        for route in (routes.LEASES, routes.TASKS, routes.TASK, routes.RENEW, routes.COMPLETE, routes.FAIL):
            self._add(app, route)
        for route in (routes.REQUEUE, routes.CONTENT, routes.SUBMISSION, routes.TASK_EVENTS):
            self._add(app, route)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def put(
        self, *contents: bytes, whole: bool = True, matches: list[Fields] | None = None, fields: Fields | None = None
    ) -> TaskView:
        """A waiting task with these contents: the first one whole, the others parts."""
        stored = [self._store(data, number, part=number > 0 or not whole) for number, data in enumerate(contents)]
        first = contents[0] if contents else b""
        task = TaskView(
            id=str(uuid.uuid4()),
            state=TaskState.WAITING,
            submission=str(uuid.uuid4()),
            object=ObjectMessage(sha256=hashlib.sha256(first).hexdigest(), size=len(first)),
            created=BEGAN,
            fields=fields or {},
            matches=matches or [],
            contents=stored,
        )
        self.tasks[task.id] = task
        return task

    def answer(self, route: routes.Route, *answers: Answer) -> None:
        """Give these answers once each before the real ones."""
        self.answers.setdefault(route.name, deque()).extend(answers)

    def cancel(self, task: TaskView) -> None:
        """As a person would."""
        del self.leases[task.id]
        self._set(self.tasks[task.id], state=TaskState.CANCELLED, expires=None)

    def state(self, task: TaskView) -> TaskState:
        return self.tasks[task.id].state

    def _store(self, data: bytes, number: int, *, part: bool) -> StoredContent:
        sha256 = hashlib.sha256(data).hexdigest()
        self.contents[sha256] = data
        place = PartMessage(kind=PartKind.HEADER, name="", offset=number, length=len(data)) if part else None
        return StoredContent(sha256=sha256, size=len(data), part=place)

    def _add(self, app: web.Application, route: routes.Route) -> None:
        real: Answer = getattr(self, f"_{route.name}")

        async def handle(request: web.Request) -> web.StreamResponse:
            self.requests.append(route.name)
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return problem(401, "no such token")
            waiting = self.answers.get(route.name)
            return await (waiting.popleft() if waiting else real)(request)

        path = route.path
        for name, pattern in routes.VARIABLES.items():
            path = path.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
        app.router.add_route(route.method, path, handle)

    async def _leases(self, request: web.Request) -> web.StreamResponse:
        asked = decode(await request.read(), LeaseRequest)
        self.kinds = asked.kinds
        end = asyncio.get_running_loop().time() + asked.wait
        while not (free := self._free(asked.task)) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        if not free:
            return message(LeaseAnswer())
        secret = uuid.uuid4().hex
        expires = datetime.now(UTC) + timedelta(seconds=asked.seconds)
        self._set(free, state=TaskState.LEASED, worker=asked.worker, expires=expires, attempts=free.attempts + 1)
        self.leases[free.id] = secret
        return message(LeaseAnswer(lease=Lease(lease=secret, expires=expires, task=self.tasks[free.id])))

    async def _renew(self, request: web.Request) -> web.StreamResponse:
        asked = decode(await request.read(), RenewRequest)
        return self._held(request, asked.lease) or message(self.tasks[request.match_info["id"]])

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = decode(await request.read(), CompleteRequest)
        if refusal := self._held(request, asked.lease):
            return refusal
        self.completed.append(asked)
        return self._end(request, TaskState.DONE)

    async def _fail(self, request: web.Request) -> web.StreamResponse:
        asked = decode(await request.read(), FailRequest)
        if refusal := self._held(request, asked.lease):
            return refusal
        self.failed.append(asked)
        return self._end(request, TaskState.DEAD)

    async def _requeue(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.state is not TaskState.DEAD:
            return problem(404 if task is None else 409, "not dead")
        return message(self._set(task, state=TaskState.WAITING))

    async def _tasks(self, request: web.Request) -> web.StreamResponse:
        state = request.query.get("state")
        chosen = [task for task in self.tasks.values() if state is None or task.state == state]
        return message(TaskPage(tasks=chosen[: int(request.query["limit"])], after=request.query.get("after")))

    async def _task(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["id"])
        return problem(404, "no such task") if task is None else message(task)

    async def _task_events(self, request: web.Request) -> web.StreamResponse:
        task_id = request.match_info["id"]
        if task_id not in self.tasks:
            return problem(404, "no such task")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        last: TaskView | None = None
        while last is None or last.state is TaskState.LEASED:
            if self.tasks[task_id] != last:
                last = self.tasks[task_id]
                await response.write(b": nothing new\n\nevent: task\ndata: " + encode(last) + b"\n\n")
            await asyncio.sleep(0.01)
        return response

    async def _submission(self, request: web.Request) -> web.StreamResponse:
        for task in self.tasks.values():
            if task.submission == request.match_info["id"]:
                view = SubmissionView(
                    id=task.submission, state=SubmissionState.QUEUED, received=BEGAN, object=task.object
                )
                return message(view)
        return problem(404, "no such submission")

    async def _content(self, request: web.Request) -> web.StreamResponse:
        data = self.contents.get(request.match_info["sha256"])
        return problem(404, "no such content") if data is None else web.Response(body=data)

    def _free(self, wanted: str | None) -> TaskView | None:
        free = (task for task in self.tasks.values() if task.state is TaskState.WAITING)
        return next((task for task in free if wanted in (None, task.id)), None)

    def _held(self, request: web.Request, lease: str) -> web.Response | None:
        task = request.match_info["id"]
        return None if self.leases.get(task) == lease else problem(409, "the lease is not yours")

    def _end(self, request: web.Request, state: TaskState) -> web.Response:
        del self.leases[request.match_info["id"]]
        return message(self._set(self.tasks[request.match_info["id"]], state=state))

    def _set(self, task: TaskView, **changes: Any) -> TaskView:
        self.tasks[task.id] = msgspec.structs.replace(task, **changes)
        return self.tasks[task.id]


def message(value: msgspec.Struct) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = encode(Problem(type="urn:sampler:problem:test", title="refused", status=status, detail=detail))
    return web.Response(status=status, body=body, content_type="application/problem+json", headers=headers)


@pytest.fixture
def refuse() -> Callable[..., Answer]:
    """An answer that is a problem: ``refuse(503, "busy", {"Retry-After": "2"})``."""

    def make(status: int, detail: str = "said the test", headers: Mapping[str, str] | None = None) -> Answer:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return problem(status, detail, headers)

        return answer

    return make


@pytest.fixture
def say() -> Callable[..., Answer]:
    """An answer of any kind: ``say(body=b"…", status=200)``."""

    def make(**values: Any) -> Answer:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(**values)

        return answer

    return make


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority and a server's certificate for localhost."""
    folder = tmp_path_factory.mktemp("identity")
    now = datetime.now(UTC)
    authority = Authority.create(folder / "ca", "worker tests", now)
    pair = authority.issue_server(["localhost"], now)
    (folder / "server.pem").write_text(pair.certificate_pem)
    (folder / "server.key").touch(0o600)
    (folder / "server.key").write_text(pair.key_pem)
    return folder


@pytest.fixture
async def queue(certificates: Path) -> AsyncIterator[Queue]:
    """A running queue."""
    tls = people_server_context(certificates / "server.pem", certificates / "server.key")
    made = Queue(certificates / "ca" / "ca.pem", tls)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(queue: Queue) -> AsyncIterator[PeopleClient]:
    """A client of the running queue."""
    async with PeopleClient(queue.url, queue.ca, queue.token) as made:
        yield made


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait for a condition: ``await until(lambda: …)``; a test that waits in vain fails."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def quick() -> Backoff:
    """Hardly any waiting between attempts."""
    return Backoff(first_seconds=0.01, most_seconds=0.05)
