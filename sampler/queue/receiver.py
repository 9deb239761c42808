"""Taking in: manifests, and contents by resumable uploads.

Durable before acknowledged: bytes are synced before the ledger moves an upload's offset, a content is verified, renamed
and synced before the ledger says that the queue holds it. A crash between two of these steps leaves bytes that nobody
was promised; the next look at the upload, or the next start, settles them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from sampler.errors import Conflict, ContentMismatch, NotFound, SamplerError
from sampler.limits import BODY_STALL_SECONDS, CHUNK_MAX_BYTES
from sampler.queue import receiving
from sampler.queue.behind import Behind
from sampler.queue.core import RECEIPTS_DUE_BELL, Core, content_bell, receipts_bell
from sampler.queue.ports import Blobs, Partial
from sampler.queue.records import Submission, Upload
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import decode
from sampler.wire.messages import Manifest, ManifestAnswer

Body: TypeAlias = Callable[[int], AsyncIterator[bytes]]
"""Given how many bytes there is room for, yields those that come, and raises when there are more."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a request says that its bytes hash to; ``algorithm`` is ``hashlib``'s name."""

    algorithm: str
    digest: bytes


class Receiver(Core):
    """The part of the queue that hosts deliver to."""

    async def submit(self, device: str, manifest: bytes) -> ManifestAnswer:
        """Accept a manifest and say which of its contents are wanted. The same one again gets the same answer.

        Raises:
            DecodeError: it is not a manifest.
            RequestError: it contradicts itself.
            Recalled: it was taken back.
            Conflict: another manifest was accepted under its identifier.
            NotFound: another device's submission has its identifier.
            StorageFull: there is no room.
        """
        message = decode(manifest, Manifest)
        await off_loop(self._blobs.check_room, len(manifest))
        submission = Submission(message.id, device, self._clock.now(), manifest)
        received = await self._step(receiving.submit, submission, message, self._policy, self._making)
        if received.new_task:
            await self._ring_complete(message.id)
        return received.answer

    async def create_upload(
        self, device: str, submission_id: str, sha256: str, size: int, *, metadata: str = ""
    ) -> Upload:
        """Begin an upload; it is finished at once when the queue has the content, or when there are no bytes to come.

        ``metadata`` is kept as it is, for whoever asks for the upload.

        Raises:
            NotFound: the device has no such submission.
            Conflict: the submission does not offer this content.
            ContentMismatch: no bytes have another hash than this.
            TooMany: the device has too many unfinished uploads.
            StorageFull: there is no room for all of it.
        """
        await off_loop(self._blobs.check_room, size)
        asked = self.asked_upload(device, submission_id, sha256, size, metadata=metadata)
        async with self._locks.of(content_bell(sha256)):
            if size == 0:
                await off_loop(_store_empty, self._blobs, asked)
            return await self._created(asked)

    def asked_upload(self, device: str, submission_id: str, sha256: str, size: int, *, metadata: str = "") -> Upload:
        """An upload as a device asks for it; there is none yet."""
        expires = self._clock.now() + timedelta(seconds=self._policy.upload_seconds)
        return Upload(self._new_id(), submission_id, device, sha256, size, expires, metadata=metadata)

    async def _created(self, asked: Upload) -> Upload:
        """Begin an upload; the caller holds its content's lock."""
        created = await self._step(receiving.create_upload, asked, self._policy, self._making, self._clock.now())
        if created.before is not None:
            await off_loop(self._blobs.discard, created.before.id)
        for complete in created.complete:
            await self._ring_complete(complete)
        return created.upload

    async def head(self, device: str, upload_id: str) -> Upload:
        """An upload with the offset that is durable.

        Raises:
            NotFound: the device has no such upload, or it has ended.
        """
        upload = await self._step(receiving.own_upload, upload_id, device, self._clock.now())
        return await self._settled(upload)

    async def append(
        self, device: str, upload_id: str, offset: int, body: Body, *, checksum: Checksum | None = None
    ) -> Upload:
        """Append to an upload; with its last byte the whole content is verified and the upload is finished.

        With a checksum the body is kept whole or not at all. Without one, what has arrived is kept even when the rest
        does not come, and is acknowledged every ``CHUNK_MAX_BYTES``.

        Raises:
            NotFound: the device has no such upload, or it has ended.
            Conflict: ``offset`` is not where the upload stands, or another request holds on to it.
            ContentMismatch: the body has another checksum; or the content another hash, and the upload is gone.
            StorageFull: there is no room.
        """
        async with self._only_writer(upload_id):
            known = await self._step(receiving.own_upload, upload_id, device, self._clock.now())
            upload = await self._settled(known)
            if upload.finished and not known.finished:
                return upload  # the same content has arrived in another upload meanwhile: these bytes are not needed
            if offset != upload.offset:
                raise Conflict(f"upload {upload_id} stands at {upload.offset}, not at {offset}; go on from there")
            if not upload.finished:
                await self._append_or_drop(upload, body, checksum)
            return await self._step(receiving.own_upload, upload_id, device, self._clock.now())

    async def discard(self, device: str, upload_id: str) -> None:
        """End an upload; a content that is verified stays.

        Raises:
            NotFound: the device has no such upload.
        """
        upload = await self._step(receiving.own_upload, upload_id, device, self._clock.now())
        await self._step(lambda ledger: ledger.remove_upload(upload.id))
        await off_loop(self._blobs.discard, upload.id)

    @contextlib.asynccontextmanager
    async def _only_writer(self, upload_id: str) -> AsyncIterator[None]:
        """A client that comes back while its broken connection still looks alive waits until that one has stalled."""
        lock = self._locks.of(upload_id)
        try:
            async with asyncio.timeout(BODY_STALL_SECONDS + 1):
                await lock.acquire()
        except TimeoutError as error:
            raise Conflict(f"another request is sending to upload {upload_id}; try again later") from error
        try:
            yield
        finally:
            lock.release()

    async def _append_or_drop(self, upload: Upload, body: Body, checksum: Checksum | None) -> None:
        """An upload that was ended meanwhile, by its client or by a recall, leaves no bytes."""
        try:
            await self._append(upload, body, checksum)
        except NotFound:
            await off_loop(self._blobs.discard, upload.id)
            raise

    async def _append(self, upload: Upload, body: Body, checksum: Checksum | None) -> None:
        partial = await off_loop(self._blobs.open_partial, upload.id, upload.offset)
        try:
            if checksum is None:
                await self._take(upload, partial, body)
            else:
                await self._take_checked(upload, partial, body, checksum)
        finally:
            await off_loop(partial.close)
        if partial.offset == upload.size:
            await self._finish(upload)
        else:
            await self._acknowledge(upload, partial.offset)

    async def _take(self, upload: Upload, partial: Partial, body: Body) -> None:
        try:
            async with Behind() as behind:
                room = CHUNK_MAX_BYTES
                async for data in body(upload.size - partial.offset):
                    room -= len(data)
                    await behind.start(self._put(upload, partial, data, whole_chunk=room <= 0))
                    room = room if room > 0 else CHUNK_MAX_BYTES
                await behind.end()
        except SamplerError:
            await off_loop(partial.rewind, partial.offset)
            await self._acknowledge(upload, partial.offset)
            raise
        await off_loop(partial.sync)

    async def _put(self, upload: Upload, partial: Partial, data: bytes, *, whole_chunk: bool) -> None:
        await off_loop(partial.write, data)
        if whole_chunk and partial.offset < upload.size:
            await self._acknowledge(upload, await off_loop(partial.sync))

    async def _take_checked(self, upload: Upload, partial: Partial, body: Body, checksum: Checksum) -> None:
        start = partial.offset
        hasher = hashlib.new(checksum.algorithm, usedforsecurity=False)
        try:
            async for data in body(min(upload.size - start, CHUNK_MAX_BYTES)):
                await off_loop(partial.write, data)
                await off_loop(hasher.update, data)
            if not hmac.compare_digest(hasher.digest(), checksum.digest):
                raise ContentMismatch(f"the bytes from {start} on have another {checksum.algorithm}; send them again")
        except SamplerError:
            await off_loop(partial.rewind, start)
            raise
        await off_loop(partial.sync)

    async def _acknowledge(self, upload: Upload, offset: int) -> None:
        await self._step(receiving.acknowledge, upload, offset, self._policy, self._clock.now())

    async def _finish(self, upload: Upload) -> None:
        async with self._locks.of(content_bell(upload.sha256)):
            await self._step(receiving.check_open, upload)
            try:
                await off_loop(self._blobs.finish, upload.id, upload.sha256, upload.size)
            except ContentMismatch:
                await self._step(receiving.drop_false, upload, self._policy, self._clock.now())
                raise
            await self._record(upload)

    async def _record(self, upload: Upload) -> None:
        """Note a content whose bytes are there; the caller holds its lock. One that nobody wants any more goes."""
        try:
            complete = await self._step(receiving.record_content, upload, self._policy, self._making, self._clock.now())
        except NotFound:
            await self._destroy(upload.sha256)
            raise
        self._ring_moved(upload.submission)
        self._bells.ring(RECEIPTS_DUE_BELL if self._making.deferred else receipts_bell(upload.device))
        for submission_id in complete:
            if submission_id != upload.submission:  # of somebody else, perhaps
                await self._ring_complete(submission_id)

    async def _ring_complete(self, submission_id: str) -> None:
        """Wake those who wait for a submission's task, and its host, which may wait for the receipt."""
        self._ring_moved(submission_id)
        receipt = await self._step(lambda ledger: ledger.receipt(submission_id))
        self._bells.ring(RECEIPTS_DUE_BELL if receipt is None else receipts_bell(receipt.device))

    async def _settled(self, upload: Upload) -> Upload:
        """The upload as its bytes are: perhaps the content arrived in another way, or fewer survived than promised."""
        if upload.finished:
            return upload
        async with self._locks.of(content_bell(upload.sha256)):
            size = await off_loop(self._blobs.partial_size, upload.id)
            if await off_loop(self._blobs.has, upload.sha256) and await self._step(receiving.may_settle, upload, size):
                await off_loop(self._blobs.discard, upload.id)
                await self._record(upload)
                return await self._step(receiving.own_upload, upload.id, upload.device, self._clock.now())
        return upload if size >= upload.offset else replace(upload, offset=size)


def _store_empty(blobs: Blobs, upload: Upload) -> None:
    blobs.open_partial(upload.id, 0).close()
    blobs.finish(upload.id, upload.sha256, 0)
