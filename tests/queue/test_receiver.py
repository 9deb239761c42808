from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from sampler.errors import Conflict, ContentMismatch, NotFound, RequestError, StorageFull, TooMany
from sampler.limits import CHUNK_MAX_BYTES
from sampler.model import SubmissionState
from sampler.queue import Body, Checksum, Queue, QueuePolicy, receiver
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import DecodeError, encode
from sampler.wire.messages import ContentMessage, Manifest

MakeManifest = Callable[..., Manifest]
MakeBody = Callable[..., Body]
Deliver = Callable[..., Awaitable[str]]
MakeQueue = Callable[..., Queue]
OTHER = "22222222-2222-4222-8222-222222222222"
DATA = b"some suspicious bytes" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


async def _begin(queue: Queue, device: str, manifest: Manifest) -> str:
    await queue.submit(device, encode(manifest))
    content = manifest.contents[0]
    return (await queue.create_upload(device, manifest.id, content.sha256, content.size)).id


async def test_the_same_manifest_again_gets_the_same_answer(
    queue: Queue, device: str, make_manifest: MakeManifest
) -> None:
    """A repeated manifest changes nothing."""
    manifest = encode(make_manifest(DATA))
    first = await queue.submit(device, manifest)
    assert (first.state, first.wanted) == (SubmissionState.RECEIVING, [SHA256])
    assert await queue.submit(device, manifest) == first


async def test_another_manifest_under_the_same_identifier_is_a_conflict(
    queue: Queue, device: str, make_manifest: MakeManifest
) -> None:
    """An identifier belongs to one manifest, byte for byte, and to one device."""
    manifest = make_manifest(DATA)
    await queue.submit(device, encode(manifest))
    with pytest.raises(Conflict, match="another manifest"):
        await queue.submit(device, encode(make_manifest(b"else", id=manifest.id)))
    with pytest.raises(NotFound):
        await queue.submit(OTHER, encode(manifest))


async def test_what_is_no_manifest_is_refused(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """Bytes that are no manifest, and a manifest that contradicts itself, leave no submission behind."""
    with pytest.raises(DecodeError):
        await queue.submit(device, b"{}")
    manifest = make_manifest(DATA)
    wrong = Manifest(
        **{**{name: getattr(manifest, name) for name in manifest.__struct_fields__}, "object": manifest.object}
    )
    wrong = make_manifest(id=manifest.id, sha256="f" * 64, size=1, contents=manifest.contents)
    with pytest.raises(RequestError):
        await queue.submit(device, encode(wrong))
    with pytest.raises(NotFound):
        await queue.submission(device, manifest.id)


async def test_a_manifest_that_wants_nothing_is_a_task_at_once(
    queue: Queue, device: str, make_manifest: MakeManifest
) -> None:
    """Metadata alone is work."""
    answer = await queue.submit(device, encode(make_manifest()))
    assert answer.state is SubmissionState.QUEUED
    assert len((await queue.tasks()).tasks) == 1


async def test_the_last_verified_content_makes_the_task(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Until the last byte is verified there is no task, and afterwards there is one whose content can be read."""
    manifest = make_manifest(DATA)
    upload = await _begin(queue, device, manifest)
    half = await queue.append(device, upload, 0, body(DATA[:5000]))
    assert half.offset == 5000
    assert (await queue.submission(device, manifest.id)).missing == [SHA256]
    assert (await queue.tasks()).tasks == []
    assert (await queue.append(device, upload, 5000, body(DATA[5000:]))).finished
    assert (await queue.submission(device, manifest.id)).state is SubmissionState.QUEUED
    with await queue.open_content(SHA256) as file:
        assert file.read() == DATA


async def test_known_bytes_never_travel(
    queue: Queue, device: str, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """A content that one device delivered is known to the next, whose task is there at once."""
    await deliver(DATA)
    answer = await queue.submit(OTHER, encode(make_manifest(DATA)))
    assert (answer.state, answer.wanted, answer.known) == (SubmissionState.QUEUED, [], [SHA256])


async def test_two_may_bring_the_same_content(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Until it is verified both are asked for it; then both have their task, and the second upload is finished."""
    first, second = make_manifest(DATA), make_manifest(DATA)
    one = await _begin(queue, device, first)
    two = await _begin(queue, OTHER, second)
    await queue.append(OTHER, two, 0, body(DATA[:100]))
    await queue.append(device, one, 0, body(DATA))
    assert (await queue.submission(OTHER, second.id)).state is SubmissionState.QUEUED
    assert (await queue.head(OTHER, two)).finished
    assert (await queue.create_upload(OTHER, second.id, SHA256, len(DATA))).finished


async def test_wrong_bytes_end_the_upload(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody, blobs: FolderBlobs
) -> None:
    """Bytes of another hash are thrown away whole, and the upload can be begun anew."""
    manifest = make_manifest(DATA)
    upload = await _begin(queue, device, manifest)
    with pytest.raises(ContentMismatch, match="begin the upload anew"):
        await queue.append(device, upload, 0, body(b"x" * len(DATA)))
    with pytest.raises(NotFound):
        await queue.head(device, upload)
    assert blobs.partials() == ()
    again = await queue.create_upload(device, manifest.id, SHA256, len(DATA))
    assert (await queue.append(device, again.id, 0, body(DATA))).finished


async def test_a_body_with_another_checksum_is_not_kept(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """A damaged body leaves the upload where it was, and the right one continues it."""
    upload = await _begin(queue, device, make_manifest(DATA))
    right = Checksum("sha256", hashlib.sha256(DATA[:5000]).digest())
    with pytest.raises(ContentMismatch, match="another sha256"):
        await queue.append(device, upload, 0, body(b"y" * 5000), checksum=right)
    assert (await queue.head(device, upload)).offset == 0
    assert (await queue.append(device, upload, 0, body(DATA[:5000]), checksum=right)).offset == 5000


async def test_a_broken_body_keeps_what_came(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Without a checksum the bytes before the break are acknowledged; with one they are not."""
    broken = RequestError("the line went dead")
    upload = await _begin(queue, device, make_manifest(DATA))
    with pytest.raises(RequestError):
        await queue.append(device, upload, 0, body(DATA[:700], DATA[700:900], fault=broken))
    assert (await queue.head(device, upload)).offset == 900
    with pytest.raises(RequestError):
        await queue.append(device, upload, 900, body(DATA[900:950], fault=broken), checksum=Checksum("sha1", b""))
    assert (await queue.head(device, upload)).offset == 900


async def test_a_long_body_is_acknowledged_on_its_way(
    queue: Queue, device: str, make_manifest: MakeManifest, ledger: MemoryQueueLedger
) -> None:
    """Of a body larger than one chunk the chunks that are durable count, even when the process dies in its middle."""
    data = bytes(2 * CHUNK_MAX_BYTES + 5)
    upload = await _begin(queue, device, make_manifest(data))
    written = asyncio.Event()

    async def endless(room: int) -> AsyncIterator[bytes]:
        yield data[:CHUNK_MAX_BYTES]
        yield data[:5]
        written.set()
        await asyncio.get_running_loop().create_future()

    sending = asyncio.create_task(queue.append(device, upload, 0, endless))
    await written.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (await queue.head(device, upload)).offset == CHUNK_MAX_BYTES


async def test_an_offset_that_is_not_the_uploads_is_a_conflict(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """A client that does not know where it stands is told."""
    upload = await _begin(queue, device, make_manifest(DATA))
    with pytest.raises(Conflict, match="stands at 0, not at 7"):
        await queue.append(device, upload, 7, body(b"zzz"))


async def test_bytes_that_arrived_in_another_upload_meanwhile_are_not_needed(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Two objects share a part and bring it at once: the later one is told that the queue has it."""
    first = await _begin(queue, device, make_manifest(DATA))
    second = await _begin(queue, device, make_manifest(DATA))
    await queue.append(device, first, 0, body(DATA))
    assert (await queue.append(device, second, 0, body(DATA))).finished


async def test_an_upload_is_its_devices_alone(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Another device sees neither the submission nor the upload, and can begin none for it."""
    manifest = make_manifest(DATA)
    upload = await _begin(queue, device, manifest)
    for attempt in (
        queue.head(OTHER, upload),
        queue.append(OTHER, upload, 0, body(DATA)),
        queue.discard(OTHER, upload),
        queue.submission(OTHER, manifest.id),
        queue.create_upload(OTHER, manifest.id, SHA256, len(DATA)),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_only_what_was_offered_can_be_brought(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """A content that the manifest does not name, or with another size, is a conflict."""
    manifest = make_manifest(DATA)
    await queue.submit(device, encode(manifest))
    for sha256, size in (("f" * 64, len(DATA)), (SHA256, 1)):
        with pytest.raises(Conflict, match="offers no content"):
            await queue.create_upload(device, manifest.id, sha256, size)


async def test_beginning_anew_replaces_the_upload(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody, blobs: FolderBlobs
) -> None:
    """A client that lost its upload's address begins another, and the bytes of the first are gone."""
    manifest = make_manifest(DATA)
    first = await _begin(queue, device, manifest)
    await queue.append(device, first, 0, body(DATA[:10]))
    second = await queue.create_upload(device, manifest.id, SHA256, len(DATA))
    with pytest.raises(NotFound):
        await queue.head(device, first)
    assert blobs.partials() == ()
    assert (await queue.append(device, second.id, 0, body(DATA))).finished


async def test_a_device_has_a_limited_number_of_open_uploads(
    queue: Queue, device: str, make_manifest: MakeManifest, policy: QueuePolicy
) -> None:
    """One upload too many is refused until another has ended."""
    uploads = [await _begin(queue, device, make_manifest(bytes([n]))) for n in range(policy.uploads_per_device_max)]
    with pytest.raises(TooMany):
        await _begin(queue, device, make_manifest(b"one more"))
    await queue.discard(device, uploads[0])
    await _begin(queue, device, make_manifest(b"one more"))


async def test_no_bytes_are_a_content_too(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """An empty content is verified when its upload is created, and one that claims another hash is refused."""
    manifest = make_manifest(b"")
    upload = await queue.create_upload(
        device, (await queue.submit(device, encode(manifest))).id, manifest.object.sha256, 0
    )
    assert upload.finished
    assert (await queue.submission(device, manifest.id)).state is SubmissionState.QUEUED
    liar = make_manifest(sha256="d" * 64, contents=[ContentMessage(sha256="d" * 64, size=0)])
    await queue.submit(device, encode(liar))
    with pytest.raises(ContentMismatch):
        await queue.create_upload(device, liar.id, "d" * 64, 0)


async def test_an_upload_expires(
    queue: Queue, device: str, make_manifest: MakeManifest, blobs: FolderBlobs, clock: MovedClock
) -> None:
    """An upload that nobody continues is gone after its time, with its bytes."""
    upload = await _begin(queue, device, make_manifest(DATA))
    blobs.open_partial(upload, 0).close()
    clock.advance(8 * 86400)
    with pytest.raises(NotFound, match="expired"):
        await queue.head(device, upload)
    await queue.sweep()
    assert blobs.partials() == ()


async def test_a_full_disk_is_said_before_anything_is_promised(
    make_queue: MakeQueue, ledger: MemoryQueueLedger, device: str, make_manifest: MakeManifest
) -> None:
    """Without room neither a manifest nor an upload is accepted, and neither leaves a trace."""
    async with make_queue() as queue:
        manifest = make_manifest(DATA)
        await queue.submit(device, encode(manifest))
    async with make_queue(reserve_bytes=1 << 62) as queue:
        with pytest.raises(StorageFull):
            await queue.submit(device, encode(make_manifest(b"more")))
        with pytest.raises(StorageFull):
            await queue.create_upload(device, manifest.id, SHA256, len(DATA))
        with pytest.raises(StorageFull):
            await queue.check_ready()
    assert ledger.uploads() == ()
    assert ledger.receiving(hashlib.sha256(b"more").hexdigest()) == ()


async def test_a_second_writer_waits_for_the_first(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """Of two requests for one upload the second goes on only when the first has ended, and then stands elsewhere."""
    upload = await _begin(queue, device, make_manifest(DATA))
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(room: int) -> AsyncIterator[bytes]:
        entered.set()
        await leave.wait()
        yield DATA[:10]

    first = asyncio.create_task(queue.append(device, upload, 0, slow))
    await entered.wait()
    second = asyncio.create_task(queue.append(device, upload, 0, body(DATA)))
    leave.set()
    assert (await first).offset == 10
    with pytest.raises(Conflict, match="stands at 10"):
        await second


async def test_a_writer_that_holds_on_for_too_long_is_a_conflict(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second request does not wait longer than a body may stall."""
    monkeypatch.setattr(receiver, "BODY_STALL_SECONDS", -0.95)
    upload = await _begin(queue, device, make_manifest(DATA))
    entered = asyncio.Event()

    async def endless(room: int) -> AsyncIterator[bytes]:
        entered.set()
        await asyncio.get_running_loop().create_future()
        yield b""

    first = asyncio.create_task(queue.append(device, upload, 0, endless))
    await entered.wait()
    with pytest.raises(Conflict, match="another request is sending"):
        await queue.append(device, upload, 0, body(DATA))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_what_a_crash_left_is_settled_at_the_start(
    make_queue: MakeQueue, blobs: FolderBlobs, device: str, make_manifest: MakeManifest, body: MakeBody
) -> None:
    """A content that was renamed but not recorded is recorded; bytes of no upload are thrown away; too few are told."""
    manifest, short = make_manifest(DATA), make_manifest(DATA + b"!")
    async with make_queue() as queue:
        upload = await _begin(queue, device, manifest)
        cut = await _begin(queue, device, short)
        await queue.append(device, cut, 0, body(DATA[:100]))
    partial = blobs.open_partial(upload, 0)
    partial.write(DATA)
    partial.close()
    blobs.finish(upload, SHA256, len(DATA))
    blobs.open_partial(str(uuid.uuid4()), 0).close()
    blobs.open_partial(cut, 60).close()
    async with make_queue() as queue:
        assert (await queue.submission(device, manifest.id)).state is SubmissionState.QUEUED
        assert blobs.partials() == (cut,)
        assert (await queue.head(device, cut)).offset == 60
        assert (await queue.append(device, cut, 60, body((DATA + b"!")[60:]))).finished
