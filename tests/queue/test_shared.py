"""Several servers over one ledger: whatever they do at the same moment, nothing is lost and nothing is done twice."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sampler.errors import Conflict, SettingsError
from sampler.identity import SigningKey
from sampler.model import Conclusion, PartKind, TaskState
from sampler.queue import Body, Queue, QueuePolicy
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_ledger, open_peers
from sampler.wire.codec import encode
from sampler.wire.messages import CompleteRequest, ContentMessage, LeaseRequest, Manifest, PartMessage

MakeManifest = Callable[..., Manifest]
MakeBody = Callable[..., Body]
DEVICES = ("d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8")
WAIT_SECONDS = 60


class SharedFolder(FolderBlobs):
    """One folder that all servers of a test reach, as they would a bucket."""

    shared = True


@pytest.fixture
def make_server(
    postgres_url: str, tmp_path: Path, policy: QueuePolicy, signing_key: SigningKey
) -> Callable[..., Queue]:
    """A server's queue; each has sessions of its own."""

    def make(*, blobs: type[FolderBlobs] = SharedFolder) -> Queue:
        peers, ledger = open_peers(postgres_url), open_ledger(postgres_url)
        return Queue(ledger, blobs(tmp_path / "blobs"), SystemClock(), policy, signer=signing_key, peers=peers)

    return make


@pytest.fixture
async def servers(make_server: Callable[..., Queue]) -> AsyncIterator[tuple[Queue, Queue]]:
    """Two of them."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(make_server()), await stack.enter_async_context(make_server())


async def _bring(server: Queue, device: str, submission: str, data: bytes, body: MakeBody) -> None:
    sha256 = hashlib.sha256(data).hexdigest()
    upload = await server.create_upload(device, submission, sha256, len(data))
    if not upload.finished:
        await server.append(device, upload.id, 0, body(data))


async def test_every_submission_gets_one_task_and_one_receipt(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Contents that several submissions share, brought at once through both servers, leave no submission without its
    task and none with two, and the log of receipts has no gap."""
    chance = random.Random(6)
    contents = [bytes([number]) * 100 for number in range(6)]
    offers = [chance.sample(contents, 2) for _ in range(16)]
    manifests = [
        make_manifest(contents=[_part(data, place) for place, data in enumerate(offer)], size=200) for offer in offers
    ]

    async def deliver(number: int) -> None:
        device, manifest = DEVICES[number % 8], manifests[number]
        answer = await servers[number // 8].submit(device, encode(manifest))
        wanted = [data for data in offers[number] if hashlib.sha256(data).hexdigest() in answer.wanted]
        await asyncio.gather(*(_bring(chance.choice(servers), device, manifest.id, data, body) for data in wanted))

    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(*map(deliver, range(len(offers))))
    tasks = [task.submission for task in (await servers[0].tasks(limit=100)).tasks]
    assert sorted(tasks) == sorted(manifest.id for manifest in manifests)
    pages = [await servers[1].receipts(device, 0, 0) for device in DEVICES]
    assert sum(len(page.receipts) for page in pages) == len(manifests)
    assert max(page.cursor for page in pages) == len(manifests)
    await servers[0].log_consistency(1, len(manifests))


async def test_one_manifest_sent_to_both_is_one_submission(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest
) -> None:
    """A host that tries another server while the first still works gets the same answer from both."""
    document = encode(make_manifest())
    answers = await asyncio.gather(*(server.submit("d1", document) for server in servers * 4))
    assert {answer.id for answer in answers} == {answers[0].id}
    assert (await servers[0].task_counts())[TaskState.WAITING] == 1


async def test_a_task_goes_to_one_worker(servers: tuple[Queue, Queue], make_manifest: MakeManifest) -> None:
    """Workers that ask both servers at once never get the same task, and none is left over."""
    for _ in range(12):
        await servers[0].submit("d1", encode(make_manifest()))
    asked = LeaseRequest(worker="w", seconds=60, wait=0)
    async with asyncio.timeout(WAIT_SECONDS):
        answers = await asyncio.gather(*(server.lease(asked) for server in servers * 8))
    leased = [answer.lease.task.id for answer in answers if answer.lease is not None]
    assert len(leased) == len(set(leased)) == 12


async def test_verdicts_of_a_device_are_read_in_order(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest
) -> None:
    """Whoever reads while several servers complete tasks misses none: a cursor that was passed is not filled later."""
    count = 12
    for _ in range(count):
        await servers[0].submit("d1", encode(make_manifest()))

    async def work(server: Queue) -> None:
        while (answer := await server.lease(LeaseRequest(worker="w", seconds=60, wait=0))).lease is not None:
            verdict = CompleteRequest(lease=answer.lease.lease, conclusion=Conclusion.BENIGN, score=1, analyzer="a")
            await server.complete(answer.lease.task.id, verdict)

    seen: list[str] = []

    async def read() -> None:
        after = 0
        while len(seen) < count:
            page = await servers[1].verdicts("d1", after, 30)
            seen.extend(event.submission for event in page.events)
            after = page.cursor

    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(read(), *map(work, servers * 2))
    assert len(set(seen)) == count


async def test_who_waits_at_one_server_is_woken_by_another(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest
) -> None:
    """A worker that waits for a task gets the one that comes in elsewhere, long before it would look by itself."""
    waiting = asyncio.create_task(servers[0].lease(LeaseRequest(worker="w", seconds=60, wait=30)))
    await asyncio.sleep(0)
    await servers[1].submit("d1", encode(make_manifest()))
    async with asyncio.timeout(WAIT_SECONDS):
        assert (await waiting).lease is not None


async def test_an_upload_goes_on_at_another_server(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest, body: MakeBody
) -> None:
    """What one server acknowledged another one goes on from."""
    data = b"one half, other half"
    manifest = make_manifest(data)
    await servers[0].submit("d1", encode(manifest))
    upload = await servers[0].create_upload("d1", manifest.id, manifest.object.sha256, len(data))
    await servers[0].append("d1", upload.id, 0, body(data[:8]))
    assert (await servers[1].head("d1", upload.id)).offset == 8
    assert (await servers[1].append("d1", upload.id, 8, body(data[8:]))).finished
    assert (await servers[0].submission("d1", manifest.id)).missing == []


async def test_two_servers_do_not_write_one_upload_at_once(
    servers: tuple[Queue, Queue], make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Of two requests that send the same bytes to two servers one is told where the upload stands by then."""
    data = bytes(5000)
    manifest = make_manifest(data)
    await servers[0].submit("d1", encode(manifest))
    upload = await servers[0].create_upload("d1", manifest.id, manifest.object.sha256, len(data))
    both = [server.append("d1", upload.id, 0, body(data[:2500])) for server in servers]
    ends = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(end, Conflict) for end in ends) == 1
    assert (await servers[0].append("d1", upload.id, 2500, body(data[2500:]))).finished


async def test_what_a_server_held_is_free_when_it_is_gone(make_server: Callable[..., Queue]) -> None:
    """A key that one server holds no other one gets, until that one ends."""
    async with make_server() as stays:
        async with make_server() as goes:
            await goes._locks.of("k").acquire()
            waiting = asyncio.create_task(stays._locks.of("k").acquire())
            assert not await stays._sharing._lane.run(stays._sharing._peers.try_hold, "k")
            assert not waiting.done()
        async with asyncio.timeout(WAIT_SECONDS):
            await waiting


async def test_contents_in_a_folder_are_one_servers(make_server: Callable[..., Queue]) -> None:
    """A second server over the same ledger whose contents lie in a folder of its own is refused."""
    async with make_server(blobs=FolderBlobs):
        with pytest.raises(SettingsError, match="another server"):
            async with make_server(blobs=FolderBlobs):
                pytest.fail("it started")


def _part(data: bytes, place: int) -> ContentMessage:
    part = PartMessage(kind=PartKind.OVERLAY, name="part", offset=100 * place, length=100)
    return ContentMessage(sha256=hashlib.sha256(data).hexdigest(), size=100, part=part)
