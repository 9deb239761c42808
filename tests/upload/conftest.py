"""A small queue on loopback (submissions, tus 1.0.0, verdicts, over mutual TLS) with switches for what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import socket
import ssl
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sampler.model import (
    Content,
    Field,
    ObjectRecord,
    ObjectState,
    Parcel,
    Part,
    PartKind,
    Reason,
    Sampling,
    Scope,
    StatementRef,
    SubmissionState,
    parcel,
)
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Spool
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.upload import QueueLink, Uploader, manifest_of
from sampler.wire.batch_messages import OfferAnswer, OfferAnswers, OfferRequest
from sampler.wire.codec import decode, encode
from sampler.wire.messages import (
    Manifest,
    ManifestAnswer,
    ObjectMessage,
    Problem,
    SubmissionView,
    VerdictEvent,
    VerdictPage,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


# --- certificates ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Party:
    """A certificate with its key, as PEM files."""

    certificate: Path
    key: Path
    x509: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey


def _issue(folder: Path, name: str, issuer: Party | None, *extensions: tuple[x509.ExtensionType, bool]) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.private_key if issuer else key
    moment = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.x509.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    made = builder.sign(signer, hashes.SHA256())
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Party(certificate, private, made, key)


def _authority(folder: Path, name: str) -> Party:
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return _issue(folder, name, None, (x509.BasicConstraints(ca=True, path_length=0), True), (usage, True))


@dataclass(frozen=True, slots=True)
class Parties:
    """Everybody in a test: an authority, what it issued, and a host of another authority."""

    authority: Party
    server: Party
    host: Party
    stranger: Party

    def client_context(self, *, trust: Party | None = None, show: Party | None = None) -> ssl.SSLContext:
        """A host's side of TLS 1.3."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations((trust or self.authority).certificate)
        shown = show or self.host
        context.load_cert_chain(shown.certificate, shown.key)
        return context

    def server_context(self, *, clients: bool) -> ssl.SSLContext:
        """The queue's side; ``clients`` asks for a host's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
        context.load_cert_chain(self.server.certificate, self.server.key)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority.certificate)
        return context


@pytest.fixture(scope="session")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    folder = tmp_path_factory.mktemp("parties")
    authority, other = _authority(folder, "authority"), _authority(folder, "other")
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    serves = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    calls = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return Parties(
        authority,
        _issue(folder, "server", authority, (names, False), (serves, False)),
        _issue(folder, "host", authority, (calls, False)),
        _issue(folder, "stranger", other, (calls, False)),
    )


# --- the queue -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Canned:
    """An answer that is given in place of the real one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class Upload:
    """A tus upload."""

    sha256: str
    length: int
    data: bytearray = field(default_factory=bytearray)


class FakeQueue:
    """What a queue does with a host's requests, in memory. The public attributes are switches and counters."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.submissions: dict[str, Manifest] = {}
        self.contents: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self.verdicts: list[VerdictEvent] = []
        self.requests: list[tuple[str, str]] = []
        self.body_bytes = 0
        """Content bytes that came in."""
        self.lose: list[tuple[str, str]] = []
        """(method, beginning of the path): processed, then the connection is cut instead of an answer; once each."""
        self.cut_after_bytes: int | None = None
        """Cut the connection of the next upload body after this many bytes, keeping what came."""
        self.damage = 0
        """How many times verified contents are called damaged."""
        self.accept_encoding: str | None = None
        """What it says of codings in every answer."""
        self.codings: list[str | None] = []
        """Of the bodies with bytes of contents."""
        self.offered: list[int] = []
        """How many manifests each offer of several had."""
        self.refuse: set[str] = set()
        """Identifiers that are not accepted among several."""
        self.takes_several = True
        """Whether it knows of offers of several; looked at when it starts."""
        self.forget = 0
        """How many times a verified content is not there after all."""
        self.stall = False
        """Answer nothing."""
        self.during_body: Callable[[int], Awaitable[None]] | None = None
        self.port = 0
        self._canned: dict[tuple[str, str], list[Canned]] = defaultdict(list)
        """(method, beginning of the path) → answers, each given once; the request is not processed."""
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(middlewares=[self._switches], client_max_size=64 << 20)
        app.router.add_post("/v1/submissions", self._submit)
        if self.takes_several:
            app.router.add_post("/v1/offers", self._offer)
        app.router.add_get("/v1/submissions/{id}", self._submission)
        app.router.add_get("/v1/verdicts", self._verdicts)
        app.router.add_post("/v1/uploads", self._create)
        app.router.add_head("/v1/uploads/{upload}", self._head)
        app.router.add_patch("/v1/uploads/{upload}", self._patch)
        app.router.add_delete("/v1/uploads/{upload}", self._delete)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def answer_once(
        self, method: str, path: str, status: int, headers: dict[str, str] | None = None, *, body: bytes = b""
    ) -> None:
        self._canned[method, path].append(Canned(status, headers or {}, body))

    def count(self, method: str, path: str) -> int:
        return sum(m == method and p.startswith(path) for m, p in self.requests)

    @web.middleware
    async def _switches(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        if self.stall:
            await self._stopping.wait()
        for (method, path), answers in self._canned.items():
            if answers and request.method == method and request.path.startswith(path):
                await request.read()
                answer = answers.pop(0)
                return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response: web.StreamResponse = await handler(request)
        if self.accept_encoding is not None:
            response.headers["Accept-Encoding"] = self.accept_encoding
        for lost in self.lose:
            if request.method == lost[0] and request.path.startswith(lost[1]):
                self.lose.remove(lost)
                _cut(request)
        return response

    async def _submit(self, request: web.Request) -> web.Response:
        return _json(201, self._accepted(await request.read()))

    async def _offer(self, request: web.Request) -> web.Response:
        asked = decode(await request.read(), OfferRequest)
        self.offered.append(len(asked.manifests))
        answers = []
        for manifest in asked.manifests:
            if decode(bytes(manifest), Manifest).id in self.refuse:
                problem = Problem(type="urn:sampler:problem:not-the-message", title="no", status=422)
                answers.append(OfferAnswer(problem=problem))
            else:
                answers.append(OfferAnswer(accepted=self._accepted(bytes(manifest))))
        return _json(200, OfferAnswers(answers=answers))

    def _accepted(self, document: bytes) -> ManifestAnswer:
        manifest = decode(document, Manifest)
        self.submissions[manifest.id] = manifest
        missing = self._missing(manifest)
        known = [content.sha256 for content in manifest.contents if content.sha256 not in missing]
        state = SubmissionState.RECEIVING if missing else SubmissionState.QUEUED
        return ManifestAnswer(id=manifest.id, state=state, wanted=missing, known=known)

    async def _submission(self, request: web.Request) -> web.Response:
        manifest = self.submissions[request.match_info["id"]]
        missing = self._missing(manifest)
        state = SubmissionState.RECEIVING if missing else SubmissionState.QUEUED
        whole = ObjectMessage(sha256=manifest.object.sha256, size=manifest.object.size)
        return _json(200, SubmissionView(id=manifest.id, state=state, received=NOW, object=whole, missing=missing))

    async def _verdicts(self, request: web.Request) -> web.Response:
        after = int(request.query["after"])
        deadline = asyncio.get_running_loop().time() + float(request.query["wait"])
        while not (events := [event for event in self.verdicts if event.cursor > after]):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self._stopping.is_set():
                break
            await asyncio.wait([asyncio.ensure_future(self._stopping.wait())], timeout=min(left, 0.02))
        cursor = events[-1].cursor if events else after
        return _json(200, VerdictPage(events=events, cursor=cursor))

    async def _create(self, request: web.Request) -> web.Response:
        assert request.headers["Tus-Resumable"] == "1.0.0"
        pairs = dict(pair.split(" ") for pair in request.headers["Upload-Metadata"].split(","))
        metadata = {name: base64.b64decode(value).decode() for name, value in pairs.items()}
        assert metadata["submission"] in self.submissions
        upload = Upload(metadata["sha256"], int(request.headers["Upload-Length"]))
        number = str(uuid.uuid4())
        self.uploads[number] = upload
        headers = {"Location": f"/v1/uploads/{number}"}
        if upload.sha256 in self.contents:
            await request.read()
            return _tus(201, headers | {"Upload-Offset": str(upload.length)})
        if request.headers.get("Content-Type") == "application/offset+octet-stream" or not upload.length:
            refusal = await self._receive(request, number)
            if refusal is not None:
                return refusal
        return _tus(201, headers | {"Upload-Offset": str(len(upload.data))})

    async def _head(self, request: web.Request) -> web.Response:
        upload = self.uploads.get(request.match_info["upload"])
        if upload is None:
            return _tus(404)
        return _tus(200, {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)})

    async def _patch(self, request: web.Request) -> web.Response:
        number = request.match_info["upload"]
        if number not in self.uploads:
            return _tus(404)
        if int(request.headers["Upload-Offset"]) != len(self.uploads[number].data):
            return _tus(409)
        refusal = await self._receive(request, number)
        return refusal or _tus(204, {"Upload-Offset": str(len(self.uploads[number].data))})

    async def _delete(self, request: web.Request) -> web.Response:
        return _tus(204 if self.uploads.pop(request.match_info["upload"], None) else 404)

    async def _receive(self, request: web.Request, number: str) -> web.Response | None:
        """Take a body into an upload; the answer if it is refused. Bytes of a body that breaks off count."""
        upload = self.uploads[number]
        self.codings.append(request.headers.get("Content-Encoding"))
        body = bytearray()
        async for chunk in self._chunks(request, upload, body):
            body += chunk
            self.body_bytes += len(chunk)
            if self.during_body is not None:
                await self.during_body(self.body_bytes)
            if self.cut_after_bytes is not None and len(body) >= self.cut_after_bytes:
                self.cut_after_bytes = None
                _keep(request, upload, body)
                _cut(request)
        if self.codings[-1] == "zstd":
            body = bytearray(zstandard.decompress(body))
        if body and request.headers.get("Upload-Checksum", _checksum(bytes(body))) != _checksum(bytes(body)):
            return _tus(460)
        upload.data += body
        return self._verify(number) if len(upload.data) == upload.length else None

    async def _chunks(self, request: web.Request, upload: Upload, body: bytearray) -> AsyncIterator[bytes]:
        try:
            async for chunk in request.content.iter_any():
                yield chunk
        except OSError:
            _keep(request, upload, body)
            raise

    def _verify(self, number: str) -> web.Response | None:
        upload = self.uploads[number]
        data = bytes(upload.data)
        if self.damage or hashlib.sha256(data).hexdigest() != upload.sha256:
            self.damage = max(self.damage - 1, 0)
            del self.uploads[number]
            return _tus(460)
        if not self.forget:
            self.contents[upload.sha256] = data
        self.forget = max(self.forget - 1, 0)
        return None

    def _missing(self, manifest: Manifest) -> list[str]:
        return [content.sha256 for content in manifest.contents if content.sha256 not in self.contents]


def _keep(request: web.Request, upload: Upload, body: bytearray) -> None:
    """Of a body that breaks off, what is not checked counts."""
    if "Upload-Checksum" not in request.headers:
        upload.data += body


def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
    raise ConnectionResetError


def _json(status: int, message: Any) -> web.Response:
    return web.Response(status=status, body=encode(message), content_type="application/json")


def _tus(status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, headers={"Tus-Resumable": "1.0.0", **(headers or {})})


def _checksum(data: bytes) -> str:
    return f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"


@pytest.fixture
async def queue(parties: Parties) -> AsyncIterator[FakeQueue]:
    fake = FakeQueue(parties.server_context(clients=True))
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def other_address(queue: FakeQueue, parties: Parties) -> AsyncIterator[FakeQueue]:
    """A second server of the same queue."""
    fake = FakeQueue(parties.server_context(clients=True))
    fake.submissions, fake.contents, fake.uploads = queue.submissions, queue.contents, queue.uploads
    await fake.start()
    yield fake
    await fake.stop()


# --- the host --------------------------------------------------------------------------------------------------------


class ManualClock:
    """Time that only moves when a test says so."""

    def __init__(self) -> None:
        self.moment = NOW
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.moment + timedelta(seconds=seconds), woken))
        await woken

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        due = [woken for until, woken in self._sleepers if until <= self.moment]
        self._sleepers = [(until, woken) for until, woken in self._sleepers if until > self.moment]
        for woken in due:
            if not woken.done():
                woken.set_result(None)

    async def until(self, condition: Callable[[], bool], *, step_seconds: float = 0.0, patience: float = 20.0) -> None:
        """Poll a condition; the clock moves ``step_seconds`` a poll."""
        end = asyncio.get_running_loop().time() + patience
        while not condition():
            assert asyncio.get_running_loop().time() < end, "the condition was not met in time"
            self.advance(step_seconds)
            await asyncio.sleep(0.005)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Spool]:
    ledger, keys = SqliteSpoolLedger(tmp_path / "ledger.sqlite"), KeyRing(tmp_path / "keys")
    keys.rotate(NOW, timedelta(days=1))
    spool = Spool(tmp_path / "spool", ledger, keys, max_bytes=1 << 30, reserve_bytes=0)
    yield spool
    spool.close()


@pytest.fixture
def make_parcel() -> Callable[..., Parcel]:
    """A parcel of ``data``: whole, or the parts at the given (offset, length) places, or metadata only."""

    def make(data: bytes, places: list[tuple[int, int]] | None = None) -> Parcel:
        sha256 = hashlib.sha256(data).hexdigest()
        contents = [Content(sha256, len(data), 0)]
        if places is not None:
            contents = [_part(data, offset, length) for offset, length in places]
        return Parcel(
            str(uuid.uuid4()),
            NOW,
            sha256,
            len(data),
            StatementRef("basic", 1, "0" * 64),
            frozenset({Scope.METADATA, Scope.PARTS}),
            fields=(Field("file.size", len(data)), Field("rule.names", ("a", "b"))),
            matches=((Field("rule.name", "a"),),),
            contents=tuple(contents),
            omissions=(),
            reasons=(("file.size", "statement basic"),),
            seal=parcel._SEAL,
        )

    return make


def _part(data: bytes, offset: int, length: int) -> Content:
    sha256 = hashlib.sha256(data[offset : offset + length]).hexdigest()
    return Content(sha256, length, offset, Part(PartKind.SECTION, f"at {offset}", offset, length, sha256))


@pytest.fixture
def put(outbox: Spool, make_parcel: Callable[..., Parcel]) -> Callable[..., str]:
    """Spool an object; returns its event_id."""

    def put_object(data: bytes, places: list[tuple[int, int]] | None = None) -> str:
        made = make_parcel(data, places)
        record = ObjectRecord(
            made.event_id, ObjectState.SPOOLED, NOW, NOW, 0, Reason.DETECTION, sampling=Sampling.WHOLE
        )
        outbox.put(record, made, encode(manifest_of(made)), lambda each: [data[each.offset : each.offset + each.size]])
        return made.event_id

    return put_object


class Host:
    """An uploader with its answers and what it told."""

    def __init__(self, outbox: Spool, clock: ManualClock) -> None:
        self.outbox = outbox
        self.clock = clock
        self.events: list[tuple[str, str]] = []
        self.facts: list[dict[str, Any]] = []
        self.verdicts: list[tuple[ObjectRecord, Any]] = []
        self.forbidden: str | None = None
        self.journal_error: Exception | None = None
        self.uploader: Uploader | None = None

    @asynccontextmanager
    async def running(self, link: QueueLink, *, parallel: int = 4, verdicts: bool = False) -> AsyncIterator[Uploader]:
        self.uploader = uploader = Uploader(
            self.outbox,
            link,
            clock=self.clock,
            check=self._check,
            on_event=self._on_event,
            random=lambda: 1.0,
            parallel=parallel,
            on_verdict=self._on_verdict,
        )
        async with link:
            task = asyncio.ensure_future(uploader.run_verdicts() if verdicts else uploader.run())
            try:
                yield uploader
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def state(self, event_id: str) -> ObjectState:
        record = self.outbox.get(event_id)
        assert record is not None
        return record.state

    async def ended(self, event_id: str, *, step_seconds: float = 0.0) -> ObjectRecord:
        """Wait for an object's end."""
        await self.clock.until(lambda: self.state(event_id).is_final, step_seconds=step_seconds)
        record = self.outbox.get(event_id)
        assert record is not None
        return record

    def attempts(self) -> list[int]:
        """Of everything that waits."""
        far = self.clock.now() + timedelta(days=1)
        return [waiting.attempts for waiting in self.outbox.pending(far, 100)]

    async def _check(self, waiting: Any) -> str | None:
        return self.forbidden

    async def _on_event(self, kind: str, waiting: Any, facts: Any) -> None:
        if self.journal_error is not None:
            raise self.journal_error
        self.events.append((kind, waiting.event_id))
        self.facts.append(dict(facts))

    async def _on_verdict(self, record: ObjectRecord, verdict: Any) -> None:
        self.verdicts.append((record, verdict))


@pytest.fixture
def host(outbox: Spool, clock: ManualClock) -> Host:
    return Host(outbox, clock)


@pytest.fixture
def link(queue: FakeQueue, parties: Parties) -> Callable[..., QueueLink]:
    """Links to the queue."""

    def make(**options: Any) -> QueueLink:
        return QueueLink(queue.url, parties.client_context(), **{"stall_seconds": 5.0, **options})

    return make


@pytest.fixture
def unused_port() -> int:
    """One at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
