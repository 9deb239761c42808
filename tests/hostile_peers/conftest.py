"""A real server in a process of its own, with short deadlines, and peers that say whatever they like to it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from sampler.identity import host_client_context, make_host_key, people_client_context
from sampler.runtime.clock import SystemClock
from sampler.runtime.settings import load_settings
from sampler.server import QueueSettings, create_token, initialize
from sampler.server.settings import TaskSection, UploadSection
from sampler.wire.codec import decode, encode
from sampler.wire.messages import (
    ContentMessage,
    EnrollAnswer,
    EnrollRequest,
    Manifest,
    ObjectMessage,
    StatementMessage,
)
from sampler.wire.routes import Role

PATIENCE_SECONDS = 30.0
"""Until a test gives up waiting for what has to happen; far above the server's deadlines of these tests."""
LIMITS = {
    "IDLE_CONNECTION_SECONDS": 1.0,
    "BODY_STALL_SECONDS": 1.0,
    "BODY_MIN_BYTES_PER_SECOND": 1 << 20,
    "LONG_POLL_MAX_SECONDS": 0.2,
    "EVENTS_MAX_SECONDS": 0.2,
    "CONNECTIONS_MAX_COUNT": 200,
}
"""What the server of these tests has instead of the real ceilings, so that nobody has to wait for those."""
HANDSHAKE_AND_LINGER_SECONDS = ("3", "0.5")
"""Its deadline for a handshake, and how long it reads on what it refused."""
ROOM_BYTES = 96 << 20
"""What a server may take beyond what it had before the attack: its ceilings allow this, and no attack gets more."""
_SERVE = """
import asyncio, os, sys
import msgspec
from sampler import limits
limits.__dict__.update(msgspec.json.decode(sys.stdin.buffer.readline()))
from sampler.runtime import log
from sampler.server import QueueSettings, listening, serve
log.configure()
if sys.argv[1:]:
    listening._HANDSHAKE_SECONDS, listening._LINGER_SECONDS = map(float, sys.argv[1:])
settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=QueueSettings)
asyncio.run(serve(settings, started=lambda where: os.write(1, b"%d %d\\n" % (where.hosts[1], where.people[1]))))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Host:
    """An enrolled host, and the files that say so."""

    agent_id: str
    folder: Path
    tls: ssl.SSLContext


class Peer:
    """One connection, over which anything can be sent."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether the other side still takes it."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            return False
        return True

    def rest(self) -> bytes:
        """All that comes until the other side closes; it has ``PATIENCE_SECONDS`` for each piece."""
        gathered = b""
        try:
            while data := self.socket.recv(1 << 16):
                gathered += data
        except (ConnectionError, ssl.SSLError):
            pass
        return gathered

    def trickle(self, data: bytes, every_seconds: float) -> None:
        """One byte after the other, until the other side closes or there is no more."""
        self.socket.settimeout(every_seconds)
        for byte in data:
            if not self.send(bytes([byte])) or self._has_ended():
                break
        self.socket.settimeout(PATIENCE_SECONDS)

    def _has_ended(self) -> bool:
        try:
            return not self.socket.recv(1 << 16)
        except TimeoutError:
            return False
        except (ConnectionError, ssl.SSLError):
            return True


@dataclass(slots=True)
class Server:
    """The server, its two doors, and what it takes of this machine."""

    process: subprocess.Popen[bytes]
    settings: QueueSettings
    hosts: int
    people: int
    made: Path
    tokens: dict[Role, str] = field(default_factory=dict)

    def token(self, role: Role) -> str:
        """Of a person."""
        if role not in self.tokens:
            moment = SystemClock().now()
            self.tokens[role] = create_token(self.settings, role, name=str(uuid.uuid4()), days=1, now=moment)
        return self.tokens[role]

    @property
    def ca(self) -> Path:
        return self.settings.authority_folder / "ca.pem"

    def person(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request at the people's door, over a connection of its own."""
        return _asked(self.people, people_client_context(self.ca), method, path, body, headers)

    def enroll(self) -> Host:
        """A new host."""
        key = make_host_key()
        token = create_token(self.settings, Role.ENROLL, name=str(uuid.uuid4()), days=1, now=SystemClock().now())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        reply = self.person("POST", "/v1/enroll", encode(EnrollRequest(csr=key.csr_pem)), **headers)
        answer = decode(reply.body, EnrollAnswer)
        folder = self.made / answer.agent_id
        folder.mkdir()
        for name, text in (("key", key.key_pem), ("certificate", answer.certificate), ("ca", answer.ca)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        return Host(answer.agent_id, folder, host_client_context(folder / "ca", folder / "certificate", folder / "key"))

    def peak_bytes(self) -> int:
        """The most memory it had since ``forget_peak``; never less than what it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return max(int(found[1]) << 10, self.memory_bytes())

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)


Caller = Callable[..., Answer]


def _asked(
    port: int, tls: ssl.SSLContext, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> Answer:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def _settings(folder: Path) -> QueueSettings:
    moment = SystemClock().now() - timedelta(days=2)
    places = {"hosts_listen": "127.0.0.1:0", "people_listen": "127.0.0.1:0"}
    made = initialize(folder, ["localhost", "127.0.0.1"], **places, now=moment)
    settings = load_settings(QueueSettings, "queue", made.config, {})
    return msgspec.structs.replace(
        settings,
        tasks=TaskSection(max_attempts=2, retry_first_seconds=0.01, retry_most_seconds=0.02),
        uploads=UploadSection(reserve_bytes=0),
    )


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It has short deadlines, unless the module says ``PATIENT = True``."""
    patient = getattr(request.module, "PATIENT", False)
    folder = tmp_path_factory.mktemp("queue")
    settings = _settings(folder / "q")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLER_")}
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, *(() if patient else HANDSHAKE_AND_LINGER_SECONDS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(
                json.dumps({} if patient else LIMITS).encode() + b"\n" + msgspec.json.encode(settings) + b"\n"
            )
            process.stdin.flush()
            hosts, people = map(int, process.stdout.readline().split())
            yield Server(process, settings, hosts, people, folder)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def attacker(server: Server) -> Host:
    """An enrolled host: whatever it does, TLS lets it in."""
    return server.enroll()


@pytest.fixture(scope="module")
def honest(server: Server) -> Host:
    """A host that others must not get in the way of."""
    return server.enroll()


@pytest.fixture
def peer(server: Server, attacker: Host) -> Iterator[Callable[[], Peer]]:
    """Connections of the attacker's at the hosts' door; closed at the end."""
    made: list[Peer] = []

    def connect() -> Peer:
        made.append(Peer(server.hosts, attacker.tls))
        return made[-1]

    yield connect
    for each in made:
        each.socket.close()


def _caller(server: Server, host: Host) -> Caller:
    def call(method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        return _asked(server.hosts, host.tls, method, path, body, headers or {})

    return call


@pytest.fixture
def attack(server: Server, attacker: Host) -> Caller:
    """Whole requests of the attacker."""
    return _caller(server, attacker)


@pytest.fixture
def ask(server: Server, honest: Host) -> Caller:
    """Whole requests of the honest host."""
    return _caller(server, honest)


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each attack the server still answers an honest host, and it took no more memory than it has room for."""
    server: Server = request.getfixturevalue("server")
    ask: Caller = request.getfixturevalue("ask")
    assert ask("GET", "/v1/submissions").status == 200
    server.forget_peak()
    before = server.memory_bytes()
    yield
    assert server.process.poll() is None
    assert ask("GET", "/v1/submissions").status == 200
    assert server.peak_bytes() - before < ROOM_BYTES


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Ask until it is so."""

    def wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < end

    return wait


@pytest.fixture(scope="module")
def moment() -> datetime:
    """The real time: certificates are checked against it."""
    return SystemClock().now()


@pytest.fixture
def make_manifest(moment: datetime) -> Callable[..., Manifest]:
    """A manifest that offers these bytes."""

    def make(data: bytes, **changed: Any) -> Manifest:
        sha256 = hashlib.sha256(data).hexdigest()
        values = {
            "id": str(uuid.uuid4()),
            "created": moment,
            "object": ObjectMessage(sha256=sha256, size=len(data)),
            "statement": StatementMessage(id="basic", version=1, digest="0" * 64),
            "contents": [ContentMessage(sha256=sha256, size=len(data))],
        }
        return Manifest(**{**values, **changed})

    return make


@pytest.fixture
def tus_headers() -> Callable[..., dict[str, str]]:
    """Of a creating request for a manifest, or of a PATCH at an offset; ``changed`` ones replace them."""

    def make(manifest: Manifest | None = None, offset: object = None, **changed: str) -> dict[str, str]:
        headers = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
        if manifest is not None:
            pairs = {"submission": manifest.id, "sha256": manifest.object.sha256}
            coded = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()]
            headers |= {"Upload-Length": str(manifest.object.size), "Upload-Metadata": ",".join(coded)}
        if offset is not None:
            headers["Upload-Offset"] = str(offset)
        return headers | {name.replace("_", "-"): value for name, value in changed.items()}

    return make


@pytest.fixture
def begin(tus_headers: Callable[..., dict[str, str]]) -> Callable[[Caller, Manifest], str]:
    """Submit a manifest and begin its upload; the upload's path."""

    def run(call: Caller, manifest: Manifest) -> str:
        submitted = call("POST", "/v1/submissions", encode(manifest), {"Content-Type": "application/json"})
        assert submitted.status == 201, submitted.body
        created = call("POST", "/v1/uploads", None, tus_headers(manifest))
        assert created.status == 201, created.body
        return created.headers["location"]

    return run
