"""Look-ups and lists of known good files over HTTP, as a host's own client asks for them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import QueueRefused
from sampler.model import Conclusion, LookUpQuestion
from sampler.permit import Consent, Policy, permit_look_up, shipped_statement
from sampler.runtime.hash_list import HashList, Shape
from sampler.server import QueueSettings
from sampler.server.keys import receipt_key
from sampler.server.known_good import make_list, publish_list
from sampler.upload import QueueLink
from sampler.wire.codec import decode
from sampler.wire.known_good_messages import KNOWN_GOOD_CONTEXT, KnownGoodHeader
from sampler.wire.messages import CompleteRequest, LeaseAnswer, LeaseRequest, Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]


@pytest.fixture
async def link(service: Any, host_tls: tuple[str, ssl.SSLContext]) -> AsyncIterator[QueueLink]:
    """The host's side of the line to the queue."""
    async with QueueLink(f"https://localhost:{service.where.hosts[1]}", host_tls[1]) as opened:
        yield opened


@pytest.fixture
def question(current: datetime) -> Callable[..., LookUpQuestion]:
    """What ``permit`` lets be asked."""
    statement = shipped_statement("basic")
    consent = Consent(statement.ref, statement.scopes, "root", current - timedelta(days=1))

    def make(sha256: str, bits: int) -> LookUpQuestion:
        made = permit_look_up(sha256, bits, 24, statement, consent, Policy(), current)
        assert isinstance(made, LookUpQuestion)
        return made

    return make


async def test_a_host_looks_up_what_another_submitted(
    person: Callable[[Role], Call],
    deliver: Deliver,
    make_manifest: Callable[[bytes], Manifest],
    question: Callable[..., LookUpQuestion],
    link: QueueLink,
) -> None:
    """From a worker's verdict to the answer, whose length says nothing; a longer prefix than wanted is refused."""
    assert await link.lookups.terms() == 0
    manifest = make_manifest(b"bad")
    sha256 = manifest.object.sha256
    assert await link.lookups.look_up(question(sha256, 0)) == {}
    await deliver(manifest, b"bad")
    worker = person(Role.WORKER)
    reply = await worker("POST", "/v1/leases", message=LeaseRequest(worker="w"))
    lease = decode(reply.body, LeaseAnswer).lease
    assert lease is not None
    done = CompleteRequest(lease=lease.lease, conclusion=Conclusion.MALICIOUS, score=99, analyzer="a", family="f")
    assert (await worker("POST", f"/v1/tasks/{lease.task.id}/complete", message=done)).status == 200
    found = await link.lookups.look_up(question(sha256, 0))
    verdict = found[sha256]
    assert (verdict.conclusion, verdict.score, verdict.family) == (Conclusion.MALICIOUS, 99, "f")
    assert verdict.expires is not None
    assert verdict.expires - verdict.at == timedelta(days=30)
    with pytest.raises(QueueRefused) as refused:
        await link.lookups.look_up(question(sha256, 9))
    assert refused.value.status == 409


async def test_answers_are_padded(host: Call) -> None:
    """The body of an answer with nothing in it is as long as others."""
    reply = await host("GET", "/v1/lookup?bits=0&prefix=0")
    assert (reply.status, len(reply.body)) == (200, 32_768)


@pytest.mark.parametrize("query", ["bits=25&prefix=0", "bits=4&prefix=16", "bits=-1", "bits=1&prefix=x", "bit=1"])
async def test_what_is_no_prefix_is_refused(host: Call, query: str) -> None:
    """Before the ledger is asked."""
    assert (await host("GET", f"/v1/lookup?{query}")).status == 400


async def test_a_list_is_published_and_fetched(
    settings: QueueSettings, current: datetime, tmp_path: Path, link: QueueLink
) -> None:
    """Signed by the queue's key, in pieces, beside the running server; none before."""
    assert await link.known_good.header() is None
    digests = {hashlib.sha256(b"%d" % number).digest() for number in range(450_000)}
    make_list(digests, tmp_path / "good.list")
    header = publish_list(settings, tmp_path / "good.list", name="golden", days=7, now=current)
    signed = await link.known_good.header()
    assert signed is not None
    assert decode(signed.document, KnownGoodHeader) == header
    assert receipt_key(settings.folder).public.has_signed(KNOWN_GOOD_CONTEXT, signed.document, signed.signature)
    assert (header.number, header.entries, header.expires) == (1, 450_000, current + timedelta(days=7))
    fetched = b"".join([await link.known_good.piece(header.sha256, piece) for piece in range(18)])
    listed = HashList(Shape(header.entries, header.bucket_bits, header.suffix_bytes), fetched)
    assert all(hashlib.sha256(b"%d" % number).digest() in listed for number in range(0, 450_000, 9000))
    with pytest.raises(QueueRefused):
        await link.known_good.piece(header.sha256, 18)
