"""Tenants share a queue and see nothing of each other."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import pytest

from sampler.errors import Conflict, ContentMismatch, NotFound, Recalled
from sampler.queue import Body, Device, Queue, Tenant
from sampler.queue.seeing import Kind, named_by
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.ask_messages import AskRequest
from sampler.wire.codec import encode
from sampler.wire.messages import LeaseRequest, Manifest
from sampler.wire.routes import ROUTES, Door, Role

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BANK, SHOP = "11111111-1111-4111-8111-11111111111b", "11111111-1111-4111-8111-11111111111c"
DATA = b"secret of the bank"
SHA256 = hashlib.sha256(DATA).hexdigest()

MakeManifest = Callable[..., Manifest]
Deliver = Callable[..., Awaitable[str]]


@pytest.fixture
def ledger(ledger: MemoryQueueLedger) -> MemoryQueueLedger:
    for agent_id, tenant in ((BANK, "bank"), (SHOP, "shop")):
        ledger.add_tenant(Tenant(tenant, NOW))
        ledger.add_device(Device(agent_id, "abc", "lab", NOW, NOW, tenant=tenant))
    return ledger


async def test_what_another_tenant_has_is_not_known(
    queue: Queue, deliver: Deliver, make_manifest: MakeManifest
) -> None:
    """A host learns by offering a hash what its own tenant has, and never what another one has."""
    await deliver(DATA, BANK)
    assert (await queue.submit(BANK, encode(make_manifest(DATA)))).known == [SHA256]
    answer = await queue.submit(SHOP, encode(make_manifest(DATA)))
    assert (answer.wanted, answer.known, answer.state) == ([SHA256], [], "receiving")


async def test_naming_a_content_is_not_having_it(
    queue: Queue, deliver: Deliver, make_manifest: MakeManifest, body: Callable[..., Body]
) -> None:
    """Other bytes of the right number do not make another tenant's content one's own; the true ones do."""
    await deliver(DATA, BANK)
    manifest = make_manifest(DATA)
    await queue.submit(SHOP, encode(manifest))
    upload = await queue.create_upload(SHOP, manifest.id, SHA256, len(DATA))
    assert not upload.finished
    assert (await queue.head(SHOP, upload.id)).offset == 0
    with pytest.raises(ContentMismatch):
        await queue.append(SHOP, upload.id, 0, body(bytes(len(DATA))))
    with pytest.raises(NotFound):
        await queue.check_seen("shop", Kind.CONTENT, SHA256)
    upload = await queue.create_upload(SHOP, manifest.id, SHA256, len(DATA))
    await queue.append(SHOP, upload.id, 0, body(DATA))
    await queue.check_seen("shop", Kind.CONTENT, SHA256)
    assert (await queue.submission(SHOP, manifest.id)).state == "queued"


async def test_bytes_from_before_a_crash_are_whose_they_were(
    queue: Queue,
    deliver: Deliver,
    ledger: MemoryQueueLedger,
    make_manifest: MakeManifest,
    body: Callable[..., Body],
) -> None:
    """A content that lies there and that nobody has noted counts for who has lost acknowledged bytes, and not for one
    of another tenant who only offers the same."""
    bank, shop = make_manifest(DATA), make_manifest(DATA)
    for agent_id, manifest in ((BANK, bank), (SHOP, shop)):
        await queue.submit(agent_id, encode(manifest))
    begun = await queue.create_upload(SHOP, shop.id, SHA256, len(DATA))
    other = await queue.create_upload(BANK, bank.id, SHA256, len(DATA))
    with pytest.raises(Conflict, match="broke off"):
        await queue.append(BANK, other.id, 0, body(DATA[:5], fault=Conflict("broke off")))
    queue._blobs.discard(other.id)  # what a crash right after the content got its name leaves
    queue._blobs.put("22222222-2222-4222-8222-222222222222", SHA256, DATA)
    assert (await queue.head(SHOP, begun.id)).offset == 0
    assert (await queue.head(BANK, other.id)).finished
    assert (await queue.head(SHOP, begun.id)).offset == 0


async def test_a_recall_takes_nothing_from_another_tenant(
    queue: Queue, deliver: Deliver, make_manifest: MakeManifest
) -> None:
    """What both have stays for the other, and the one that took it back has to bring it anew."""
    submission = await deliver(DATA, BANK)
    await deliver(DATA, SHOP)
    await queue.recall(BANK, submission, "person")
    with pytest.raises(NotFound):
        await queue.check_seen("bank", Kind.CONTENT, SHA256)
    await queue.check_seen("shop", Kind.CONTENT, SHA256)
    with await queue.open_content(SHA256) as file:
        assert file.read() == DATA
    assert (await queue.submit(BANK, encode(make_manifest(DATA)))).wanted == [SHA256]


async def test_a_worker_gets_its_own_tenants_tasks(queue: Queue, deliver: Deliver) -> None:
    """Neither the next task nor a named one is another tenant's; a worker for all gets everybody's."""
    await deliver(DATA, BANK)
    (task,) = (await queue.tasks()).tasks
    assert (await queue.lease(LeaseRequest(worker="w", seconds=60), tenant="shop")).lease is None
    with pytest.raises(NotFound, match=f"no task {task.id}"):
        await queue.lease(LeaseRequest(worker="w", seconds=60, task=task.id), tenant="shop")
    assert (await queue.tasks(tenant="shop")).tasks == []
    assert [each.id for each in (await queue.tasks(tenant="bank")).tasks] == [task.id]
    assert (await queue.lease(LeaseRequest(worker="w", seconds=60), tenant="bank")).lease is not None


async def test_asks_are_listed_by_tenant(queue: Queue, deliver: Deliver) -> None:
    """What a tenant's people asked its hosts for is nobody else's business."""
    submission = await deliver(DATA, BANK)
    await queue.ask(submission, AskRequest(wants="whole"))
    assert len((await queue.asks(None, 9, "bank")).asks) == 1
    assert (await queue.asks(None, 9, "shop")).asks == (await queue.asks(submission, 9, "shop")).asks == ()


async def test_things_of_another_tenant_are_as_if_they_were_not_there(
    queue: Queue, deliver: Deliver, ledger: MemoryQueueLedger
) -> None:
    """Every kind of thing passes for its own tenant and is not found for another, also when it was taken back."""
    submission = await deliver(DATA, BANK)
    task = ledger.task_of(submission)
    assert task is not None
    ask = await queue.ask(submission, AskRequest(wants="whole"))
    things: Mapping[Kind, str] = {
        Kind.SUBMISSION: submission, Kind.TASK: task.id, Kind.ASK: ask.id, Kind.CONTENT: SHA256,
    }  # fmt: skip
    for _ in range(2):
        for kind, name in things.items():
            await queue.check_seen("bank", kind, name)
            with pytest.raises(NotFound, match=f"no {kind} {name}"):
                await queue.check_seen("shop", kind, name)
        await queue.recall(BANK, submission, "person")
    with pytest.raises(Recalled):
        await queue.task(task.id)


async def test_what_there_is_not_is_nobodys(queue: Queue) -> None:
    """Whether there is such a thing is for who looks for it to say."""
    for kind, name in ((Kind.SUBMISSION, BANK), (Kind.TASK, BANK), (Kind.ASK, BANK), (Kind.CONTENT, SHA256)):
        await queue.check_seen("shop", kind, name)


def test_every_route_that_names_a_thing_says_whose() -> None:
    """No path with a variable is open to people of one tenant unless it is known whose the thing is."""
    limited = {Role.ANALYST, Role.WORKER}
    for route in ROUTES:
        if "{" in route.path and route.door is not Door.HOSTS and limited & set(route.roles):
            assert list(named_by(route.path, {"id": BANK, "sha256": SHA256})), route.path
    with pytest.raises(NotFound):
        list(named_by("/v1/secrets/{id}", {"id": BANK}))
