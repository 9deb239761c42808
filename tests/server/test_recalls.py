"""A recall over HTTP: everybody who comes for what was taken back learns that it is gone, also in the middle of it."""

from __future__ import annotations

import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from sampler.identity import people_client_context
from sampler.model import Conclusion
from sampler.server import Listening, QueueSettings
from sampler.wire.ask_messages import AskRequest
from sampler.wire.codec import decode
from sampler.wire.messages import CompleteRequest, FailRequest, Lease, LeaseAnswer, LeaseRequest, Manifest, RenewRequest
from sampler.wire.recall_messages import RecallConfirmation, RecallRequest
from sampler.wire.receipt_messages import Signed
from sampler.wire.routes import Role

Call = Callable[..., Coroutine[Any, Any, Any]]
Person = Callable[[Role], Call]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]
DATA = b"MZ its owner regrets it"
LARGE_BYTES = 24 << 20
"""More than the buffers between a server and a client that does not read."""


@pytest.fixture
async def sent(deliver: Deliver, make_manifest: Callable[[bytes], Manifest]) -> Manifest:
    """A submission that the queue has whole."""
    manifest = make_manifest(DATA)
    await deliver(manifest, DATA)
    return manifest


@pytest.fixture
def recall(host: Call) -> Callable[[Manifest], Awaitable[RecallConfirmation]]:
    """Take a submission back; what the queue signed."""

    async def run(manifest: Manifest) -> RecallConfirmation:
        reply = await host("POST", f"/v1/submissions/{manifest.id}/recall", message=RecallRequest(cause="person"))
        assert reply.status == 200, reply.body
        return decode(decode(reply.body, Signed).document, RecallConfirmation)

    return run


Recall = Callable[[Manifest], Awaitable[RecallConfirmation]]


async def test_its_host_gets_it_nowhere(
    host: Call, sent: Manifest, recall: Recall, tus_headers: Callable[..., dict[str, str]]
) -> None:
    """Neither the submission nor an upload of it is there again; the recall itself can be repeated."""
    confirmed = await recall(sent)
    assert confirmed.destroyed == (sent.object.sha256,)
    for reply in (
        await host("POST", "/v1/submissions", message=sent),
        await host("GET", f"/v1/submissions/{sent.id}"),
        await host("POST", "/v1/uploads", headers=tus_headers(sent, body=False)),
    ):
        assert (reply.status, reply.problem) == (410, "recalled")
    assert await recall(sent) == confirmed


async def test_an_upload_that_was_under_way(
    host: Call,
    make_manifest: Callable[[bytes], Manifest],
    begin: Callable[[Manifest], Awaitable[str]],
    recall: Recall,
    tus_headers: Callable[..., dict[str, str]],
) -> None:
    """The bytes that came go with it, and it can be neither asked for nor continued."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    assert (await host("PATCH", path, headers=tus_headers(offset=0), data=DATA[:5])).status == 204
    assert (await recall(manifest)).destroyed == (manifest.object.sha256,)
    for method, headers, data in (("HEAD", tus_headers(body=False), None), ("PATCH", tus_headers(offset=5), DATA[5:])):
        assert (await host(method, path, headers=headers, data=data)).status in (404, 410)


async def test_a_worker_that_holds_it(person: Person, sent: Manifest, recall: Recall) -> None:
    """Whatever it does with its lease, the answer is that the host took it back."""
    worker = person(Role.WORKER)
    reply = await worker("POST", "/v1/leases", message=LeaseRequest(worker="w", seconds=60, wait=10))
    lease = decode(reply.body, LeaseAnswer).lease
    assert isinstance(lease, Lease)
    await recall(sent)
    verdict = CompleteRequest(lease=lease.lease, conclusion=Conclusion.BENIGN, score=0, analyzer="a")
    for what, message in (
        ("renew", RenewRequest(lease=lease.lease)),
        ("complete", verdict),
        ("fail", FailRequest(lease=lease.lease, reason="x")),
    ):
        reply = await worker("POST", f"/v1/tasks/{lease.task.id}/{what}", message=message)
        assert (reply.status, reply.problem) == (410, "recalled"), what
    assert (await worker("GET", f"/v1/contents/{sent.object.sha256}")).status in (404, 410)


async def test_nobody_asks_for_more_of_it(person: Person, sent: Manifest, recall: Recall) -> None:
    """An analyst learns that it was taken back."""
    await recall(sent)
    asked = await person(Role.ANALYST)("POST", f"/v1/submissions/{sent.id}/asks", message=AskRequest(wants="whole"))
    assert (asked.status, asked.problem) == (410, "recalled")


async def test_a_download_is_broken_off(
    session: aiohttp.ClientSession,
    settings: QueueSettings,
    where: Callable[[], Listening],
    new_token: Callable[[Role], str],
    make_manifest: Callable[[bytes], Manifest],
    deliver: Deliver,
    recall: Recall,
) -> None:
    """Whoever reads the content while it is destroyed gets no end of it, and does not take a part for the whole."""
    data = random.Random(5).randbytes(LARGE_BYTES)
    manifest = make_manifest(data)
    await deliver(manifest, data)
    tls: ssl.SSLContext = people_client_context(settings.authority_folder / "ca.pem")
    url = f"https://localhost:{where().people[1]}/v1/contents/{manifest.object.sha256}"
    headers = {"Authorization": f"Bearer {new_token(Role.ANALYST)}"}
    async with session.get(url, headers=headers, ssl=tls) as reply:
        assert reply.status == 200
        first = await reply.content.readexactly(1000)
        assert (await recall(manifest)).destroyed == (manifest.object.sha256,)
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
            await reply.content.read()
    assert len(first) == 1000
