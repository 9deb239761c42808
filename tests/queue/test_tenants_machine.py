"""Whatever hosts of two tenants offer, bring, lie about and take back, neither gets what is not its own."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sampler.errors import ContentMismatch, NotFound, Recalled
from sampler.identity import SigningKey
from sampler.queue import Body, Device, Queue, QueuePolicy, Tenant
from sampler.queue.seeing import Kind
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOSTS = {"d1": "bank", "d2": "bank", "d3": "shop"}
CONTENTS = (b"one", b"two")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _manifest(data: bytes) -> Manifest:
    return Manifest(
        id=str(uuid.uuid4()),
        created=NOW,
        object=ObjectMessage(sha256=_hash(data), size=len(data)),
        statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        contents=[ContentMessage(sha256=_hash(data), size=len(data))],
    )


def _body(data: bytes) -> Body:
    async def read(room: int) -> AsyncIterator[bytes]:
        yield data

    return read


class Tenants(RuleBasedStateMachine):
    """The model: which tenant has which content, and who offers it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sampler-tenants-"))
        ledger = MemoryQueueLedger()
        for tenant in set(HOSTS.values()):
            ledger.add_tenant(Tenant(tenant, NOW))
        for host, tenant in HOSTS.items():
            ledger.add_device(Device(host, "abc", "lab", NOW, NOW, tenant=tenant))
        signer = SigningKey.create(self.folder / "key")
        blobs = FolderBlobs(self.folder / "blobs")
        self.queue = Queue(ledger, blobs, SystemClock(), QueuePolicy(), signer=signer)
        self.runner = asyncio.Runner()
        self.runner.run(self.queue.__aenter__())
        self.has: set[tuple[str, bytes]] = set()
        self.offers: dict[str, tuple[str, bytes]] = {}

    def teardown(self) -> None:
        self.runner.run(self.queue.__aexit__(None, None, None))
        self.runner.close()
        shutil.rmtree(self.folder)

    @rule(host=st.sampled_from(sorted(HOSTS)), data=st.sampled_from(CONTENTS))
    def offer(self, host: str, data: bytes) -> None:
        manifest = _manifest(data)
        answer = self.runner.run(self.queue.submit(host, encode(manifest)))
        assert (answer.known == [_hash(data)]) == ((HOSTS[host], data) in self.has)
        self.offers[manifest.id] = (host, data)

    @precondition(lambda self: self.offers)
    @rule(chosen=st.randoms(use_true_random=False), lie=st.booleans())
    def bring(self, chosen: object, lie: bool) -> None:
        submission, (host, data) = self._one(chosen)
        upload = self.runner.run(self.queue.create_upload(host, submission, _hash(data), len(data)))
        assert upload.finished == ((HOSTS[host], data) in self.has)
        if upload.finished:
            return
        try:
            self.runner.run(self.queue.append(host, upload.id, 0, _body(bytes(len(data)) if lie else data)))
        except ContentMismatch:
            assert lie
            return
        assert not lie
        self.has.add((HOSTS[host], data))

    @precondition(lambda self: self.offers)
    @rule(chosen=st.randoms(use_true_random=False))
    def take_back(self, chosen: object) -> None:
        submission, (host, data) = self._one(chosen)
        self.runner.run(self.queue.recall(host, submission, "person"))
        del self.offers[submission]
        tenant = HOSTS[host]
        if (tenant, data) not in {(HOSTS[other], what) for other, what in self.offers.values()}:
            self.has.discard((tenant, data))

    @invariant()
    def each_sees_what_it_has(self) -> None:
        for tenant in set(HOSTS.values()):
            for data in CONTENTS:
                assert self._sees(tenant, data) == ((tenant, data) in self.has)

    def _sees(self, tenant: str, data: bytes) -> bool:
        try:
            self.runner.run(self.queue.check_seen(tenant, Kind.CONTENT, _hash(data)))
            self.runner.run(self.queue.open_content(_hash(data))).close()
        except (NotFound, Recalled):
            return False
        return True

    def _one(self, chosen: object) -> tuple[str, tuple[str, bytes]]:
        submission = chosen.choice(sorted(self.offers))  # type: ignore[attr-defined]
        return submission, self.offers[submission]


TestTenants = Tenants.TestCase
TestTenants.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
