"""A whole queue on loopback: real sockets, real TLS, real SQLite, in this process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import ssl
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from yarl import URL

from sampler.identity import host_client_context, make_host_key, people_client_context
from sampler.runtime.clock import SystemClock
from sampler.runtime.settings import load_settings
from sampler.server import Listening, QueueSettings, create_token, initialize, serve
from sampler.server.settings import TaskSection, UploadSection
from sampler.wire.codec import decode, encode
from sampler.wire.messages import (
    ContentMessage,
    EnrollAnswer,
    EnrollRequest,
    Manifest,
    ObjectMessage,
    Problem,
    StatementMessage,
)
from sampler.wire.routes import Role


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    body: bytes

    @property
    def problem(self) -> str:
        """The code of a problem document; empty when it is none."""
        if self.content_type != "application/problem+json" or not self.body:
            return ""
        return decode(self.body, Problem).type.removeprefix("urn:sampler:problem:")


Call = Callable[..., Awaitable[Reply]]


class Service:
    """A server that can be stopped and started again over the same folder."""

    def __init__(self, settings: QueueSettings) -> None:
        self.settings = settings
        self._task: asyncio.Task[None] | None = None
        self.where: Listening

    async def start(self) -> None:
        started: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(serve(self.settings, started=started.set_result))
        either: set[asyncio.Future[Any]] = {self._task, started}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            await self._task
        self.where = started.result()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None


_SERVE = """
import asyncio, os, sys
import msgspec
from sampler.runtime import log
from sampler.server import QueueSettings, serve

log.configure()
settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=QueueSettings)
asyncio.run(serve(settings, started=lambda where: os.write(1, b"%d %d\\n" % (where.hosts[1], where.people[1]))))
"""


class ServiceProcess:
    """A server in a process of its own. Stopping it is ``kill -9``."""

    def __init__(self, settings: QueueSettings) -> None:
        self.settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self.where: Listening

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(self.settings) + b"\n")
        async with asyncio.timeout(30):
            hosts, people = (await self._process.stdout.readline()).split()
        self.where = Listening(("127.0.0.1", int(hosts)), ("127.0.0.1", int(people)))

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.communicate()
            self._process = None


@pytest.fixture
def current() -> datetime:
    """The real time: certificates are checked against it."""
    return SystemClock().now()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where the queue keeps everything."""
    return tmp_path / "q"


@pytest.fixture
def settings(state: Path, current: datetime) -> QueueSettings:
    made = initialize(
        state,
        ["localhost", "127.0.0.1"],
        hosts_listen="127.0.0.1:0",
        people_listen="127.0.0.1:0",
        now=current - timedelta(days=2),
    )
    settings = load_settings(QueueSettings, "queue", made.config, {})
    return msgspec.structs.replace(
        settings,
        tasks=TaskSection(max_attempts=2, retry_first_seconds=0.01, retry_most_seconds=0.02),
        uploads=UploadSection(reserve_bytes=0),
        sweep_seconds=0.05,
    )


@pytest.fixture
async def service(request: pytest.FixtureRequest, settings: QueueSettings) -> AsyncIterator[Service | ServiceProcess]:
    """A server in this process, or in its own: ``@pytest.mark.parametrize("service", ["process"], indirect=True)``."""
    in_process = getattr(request, "param", "here") == "process"
    made = ServiceProcess(settings) if in_process else Service(settings)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def another(settings: QueueSettings) -> AsyncIterator[ServiceProcess]:
    """A second server over the same ledger and contents, in a process of its own."""
    made = ServiceProcess(settings)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def calls_to(session: aiohttp.ClientSession) -> Callable[[Service, ssl.SSLContext], Call]:
    """Requests at the hosts' door of any server, as whoever the context says."""
    return lambda server, tls: _caller(session, lambda: server.where.hosts[1], tls)


@pytest.fixture
def restart(service: Service) -> Callable[[], Awaitable[None]]:
    """Stop the server and start another one over the same folder."""

    async def run() -> None:
        await service.stop()
        await service.start()

    return run


@pytest.fixture
def where(service: Service) -> Callable[[], Listening]:
    """Where the server listens now."""
    return lambda: service.where


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as opened:
        yield opened


@pytest.fixture
def new_token(settings: QueueSettings, current: datetime) -> Callable[..., str]:
    """A fresh token of a role; of a tenant, and with a right to raw bytes, where that is said."""

    def make(role: Role, **options: Any) -> str:
        return create_token(settings, role, **{"name": str(uuid.uuid4()), "days": 1, "now": current, **options})

    return make


def _caller(session: aiohttp.ClientSession, port: Callable[[], int], tls: ssl.SSLContext) -> Call:
    async def call(
        method: str,
        path: str,
        *,
        message: msgspec.Struct | None = None,
        data: bytes | AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        headers = dict(headers or {})
        if message is not None:
            data = encode(message)
            headers.setdefault("Content-Type", "application/json")
        body = io.BytesIO(data) if isinstance(data, bytes) and len(data) > 1 << 16 else data
        url = f"https://localhost:{port()}{path}"
        async with session.request(method, URL(url, encoded=True), data=body, headers=headers, ssl=tls) as reply:
            return Reply(reply.status, reply.headers, reply.content_type, await reply.read())

    return call


@pytest.fixture
def anybody(service: Service, session: aiohttp.ClientSession) -> Call:
    """A request at the people's door without a token."""
    tls = people_client_context(service.settings.authority_folder / "ca.pem")
    return _caller(session, lambda: service.where.people[1], tls)


@pytest.fixture
def person(anybody: Call, new_token: Callable[..., str]) -> Callable[..., Call]:
    """Requests at the people's door with a token of a role, made with these options."""

    def make(role: Role, **options: Any) -> Call:
        token = new_token(role, **options)

        async def call(method: str, path: str, **values: Any) -> Reply:
            headers = {"Authorization": f"Bearer {token}", **values.pop("headers", {})}
            return await anybody(method, path, headers=headers, **values)

        return call

    return make


@pytest.fixture
def enroll(
    service: Service, person: Callable[..., Call], session: aiohttp.ClientSession, tmp_path: Path
) -> Callable[..., Awaitable[tuple[str, ssl.SSLContext]]]:
    """Enrol a new host, by a token made with these options: its identifier and its TLS context."""

    async def run(**options: Any) -> tuple[str, ssl.SSLContext]:
        key = make_host_key()
        reply = await person(Role.ENROLL, **options)("POST", "/v1/enroll", message=EnrollRequest(csr=key.csr_pem))
        answer = decode(reply.body, EnrollAnswer)
        folder = tmp_path / answer.agent_id
        folder.mkdir()
        for name, text in (("key", key.key_pem), ("certificate", answer.certificate), ("ca", answer.ca)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        return answer.agent_id, host_client_context(folder / "ca", folder / "certificate", folder / "key")

    return run


@pytest.fixture
async def host_tls(enroll: Callable[[], Awaitable[tuple[str, ssl.SSLContext]]]) -> tuple[str, ssl.SSLContext]:
    """One enrolled host."""
    return await enroll()


@pytest.fixture
def host(service: Service, session: aiohttp.ClientSession, host_tls: tuple[str, ssl.SSLContext]) -> Call:
    """Requests of one enrolled host."""
    return _caller(session, lambda: service.where.hosts[1], host_tls[1])


@pytest.fixture
def host_of(
    service: Service,
    session: aiohttp.ClientSession,
    enroll: Callable[..., Awaitable[tuple[str, ssl.SSLContext]]],
) -> Callable[[str], Awaitable[Call]]:
    """Requests of a new host of a tenant."""

    async def make(tenant: str) -> Call:
        _, tls = await enroll(tenant=tenant)
        return _caller(session, lambda: service.where.hosts[1], tls)

    return make


@pytest.fixture
async def other_host(
    service: Service,
    session: aiohttp.ClientSession,
    enroll: Callable[[], Awaitable[tuple[str, ssl.SSLContext]]],
) -> Call:
    """Requests of another enrolled host."""
    _, tls = await enroll()
    return _caller(session, lambda: service.where.hosts[1], tls)


@pytest.fixture
def make_manifest(current: datetime) -> Callable[[bytes], Manifest]:
    """A manifest that offers these bytes as a whole object."""

    def make(data: bytes) -> Manifest:
        sha256 = hashlib.sha256(data).hexdigest()
        return Manifest(
            id=str(uuid.uuid4()),
            created=current,
            object=ObjectMessage(sha256=sha256, size=len(data)),
            statement=StatementMessage(id="basic", version=1, digest="0" * 64),
            contents=[ContentMessage(sha256=sha256, size=len(data))],
        )

    return make


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def tus_headers() -> Callable[..., dict[str, str]]:
    """Headers of tus: a creating request for a manifest, or a PATCH at an offset; with the checksum of ``data``."""

    def make(
        manifest: Manifest | None = None, *, offset: int | None = None, checked: bytes | None = None, body: bool = True
    ) -> dict[str, str]:
        headers = {"Tus-Resumable": "1.0.0"}
        if manifest is not None:
            pairs = {"submission": manifest.id, "sha256": manifest.object.sha256}
            headers["Upload-Length"] = str(manifest.object.size)
            headers["Upload-Metadata"] = ",".join(f"{key} {_base64(value.encode())}" for key, value in pairs.items())
        if offset is not None:
            headers["Upload-Offset"] = str(offset)
        if checked is not None:
            headers["Upload-Checksum"] = f"sha256 {_base64(hashlib.sha256(checked).digest())}"
        return headers | ({"Content-Type": "application/offset+octet-stream"} if body else {})

    return make


@pytest.fixture
def begin(host: Call, tus_headers: Callable[..., dict[str, str]]) -> Callable[[Manifest], Awaitable[str]]:
    """Submit a manifest and create the upload of its content; the upload's path."""

    async def run(manifest: Manifest) -> str:
        assert (await host("POST", "/v1/submissions", message=manifest)).status == 201
        created = await host("POST", "/v1/uploads", headers=tus_headers(manifest, body=False))
        assert created.status == 201, created.body
        return created.headers["Location"]

    return run


@pytest.fixture
def deliver(
    host: Call, begin: Callable[[Manifest], Awaitable[str]], tus_headers: Callable[..., dict[str, str]]
) -> Callable[[Manifest, bytes], Awaitable[None]]:
    """Submit a manifest and bring its content."""

    async def run(manifest: Manifest, data: bytes) -> None:
        path = await begin(manifest)
        assert (await host("PATCH", path, headers=tus_headers(offset=0), data=data)).status == 204

    return run
