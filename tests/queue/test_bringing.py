"""Contents that come with their creation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from sampler.errors import Conflict, ContentMismatch, NotFound, StorageError, StorageFull
from sampler.model import SubmissionState
from sampler.queue import Checksum, Queue, Upload
from sampler.storage.folder_blobs import FolderBlobs
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest

MakeManifest = Callable[..., Manifest]
DATA = b"some suspicious bytes" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
OTHER = "22222222-2222-4222-8222-222222222222"


async def _asked(queue: Queue, device: str, manifest: Manifest) -> Upload:
    await queue.submit(device, encode(manifest))
    content = manifest.contents[0]
    return queue.asked_upload(device, manifest.id, content.sha256, content.size)


async def test_all_at_once(queue: Queue, device: str, make_manifest: MakeManifest, blobs: FolderBlobs) -> None:
    """The content is there, the submission has its task, and nothing is left of the upload."""
    manifest = make_manifest(DATA)
    upload = await queue.bring(await _asked(queue, device, manifest), DATA)
    assert upload.finished
    assert (await queue.head(device, upload.id)).finished
    assert (await queue.submission(device, manifest.id)).state is SubmissionState.QUEUED
    with await queue.open_content(SHA256) as file:
        assert file.read() == DATA
    assert blobs.partials() == ()


async def test_a_part_of_it(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """What comes with the creation counts, and the rest follows as it always does."""
    upload = await queue.bring(await _asked(queue, device, make_manifest(DATA)), DATA[:5000])
    assert upload.offset == 5000
    assert (await queue.head(device, upload.id)).offset == 5000


async def test_what_is_known_is_not_written_again(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """Two that bring the same content each have their task."""
    first, second = make_manifest(DATA), make_manifest(DATA)
    asked = [await _asked(queue, device, manifest) for manifest in (first, second)]
    for upload in asked:
        assert (await queue.bring(upload, DATA)).finished
    assert len((await queue.tasks()).tasks) == 2


async def test_another_checksum(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """The upload stands at its beginning, for a client that goes on with it."""
    asked = await _asked(queue, device, make_manifest(DATA))
    with pytest.raises(ContentMismatch, match="another sha1"):
        await queue.bring(asked, DATA, checksum=Checksum("sha1", b"\0" * 20))
    assert (await queue.head(device, asked.id)).offset == 0
    assert (await queue.bring(asked, DATA, checksum=Checksum("sha1", hashlib.sha1(DATA).digest()))).finished


async def test_other_bytes(queue: Queue, device: str, make_manifest: MakeManifest, blobs: FolderBlobs) -> None:
    """Nothing of them stays, and the upload is gone."""
    asked = await _asked(queue, device, make_manifest(DATA))
    with pytest.raises(ContentMismatch, match="begin the upload anew"):
        await queue.bring(asked, b"x" * len(DATA))
    with pytest.raises(NotFound):
        await queue.head(device, asked.id)
    assert not blobs.has(SHA256)
    assert not blobs.has(hashlib.sha256(b"x" * len(DATA)).hexdigest())


async def test_nothing_is_kept_that_was_not_offered(
    queue: Queue, device: str, make_manifest: MakeManifest, blobs: FolderBlobs
) -> None:
    """Not for a submission of another device, and not for one that offers something else."""
    manifest = make_manifest(b"else")
    await queue.submit(device, encode(manifest))
    with pytest.raises(Conflict):
        await queue.bring(queue.asked_upload(device, manifest.id, SHA256, len(DATA)), DATA)
    with pytest.raises(NotFound):
        await queue.bring(queue.asked_upload(OTHER, manifest.id, SHA256, len(DATA)), DATA)
    assert not blobs.has(SHA256)


async def test_without_room_nothing_is_acknowledged(
    make_queue: Callable[..., Queue], device: str, make_manifest: MakeManifest, blobs: FolderBlobs
) -> None:
    """And it can come again when there is some."""
    manifest = make_manifest(DATA)
    async with make_queue() as queue:
        asked = await _asked(queue, device, manifest)
    async with make_queue(reserve_bytes=1 << 60) as full:
        with pytest.raises(StorageFull):
            await full.bring(asked, DATA)
    assert (blobs.partials(), blobs.has(SHA256)) == ((), False)
    async with make_queue() as queue:
        assert (await queue.bring(asked, DATA)).finished


async def test_a_crash_before_the_ledger_knows(
    make_queue: Callable[..., Queue], device: str, make_manifest: MakeManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that were made durable and not noted are found by the next look at the upload."""
    manifest = make_manifest(DATA)

    async def dies(upload: Upload) -> None:
        raise StorageError("here the process was killed")

    async with make_queue() as queue:
        asked = await _asked(queue, device, manifest)
        monkeypatch.setattr(queue, "_record", dies)
        with pytest.raises(StorageError):
            await queue.bring(asked, DATA)
    async with make_queue() as queue:
        assert (await queue.head(device, asked.id)).finished
        assert (await queue.submission(device, manifest.id)).state is SubmissionState.QUEUED
