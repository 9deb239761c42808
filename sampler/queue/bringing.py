"""Contents that come whole with the request that creates their upload: small ones, and nearly all are.

The body is checked in memory before anything of it is written; then the content is made durable in one go, and the
ledger learns of upload, content and task in two steps. A crash between these leaves bytes that nobody was promised, as
``receiver`` has them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace

from sampler.errors import ContentMismatch
from sampler.queue import receiving
from sampler.queue.core import content_bell
from sampler.queue.offering import Offering
from sampler.queue.ports import Blobs
from sampler.queue.receiver import Checksum
from sampler.queue.records import Upload
from sampler.runtime.blocking import off_loop


class Bringing(Offering):
    """The part of the queue that takes contents in one go."""

    async def bring(self, asked: Upload, data: bytes, *, checksum: Checksum | None = None) -> Upload:
        """Begin an upload with its first bytes, which are mostly all; as ``create_upload`` and ``append`` together.

        Raises:
            NotFound: the device has no such submission, or took it back meanwhile.
            Conflict: the submission does not offer this content.
            ContentMismatch: the bytes have another checksum, and the upload stands at 0, or another hash, and it ends.
            TooMany: the device has too many unfinished uploads.
            StorageFull: there is no room for it.
        """
        if len(data) != asked.size:
            return await self._bring_a_part(asked, data, checksum)
        right, true = await off_loop(_compared, data, asked.sha256, checksum)
        async with self._locks.of(content_bell(asked.sha256)):
            upload = await self._created(asked)
            if upload.finished:
                return upload
            if not right:
                raise ContentMismatch("the bytes have another checksum; send them again")
            if not true:
                await self._step(receiving.drop_false, upload, self._policy, self._clock.now())
                raise ContentMismatch(f"other bytes came for {asked.sha256}; begin the upload anew")
            await off_loop(_store, self._blobs, upload, data)
            await self._record(upload)
        return replace(upload, offset=upload.size)

    async def _bring_a_part(self, asked: Upload, data: bytes, checksum: Checksum | None) -> Upload:
        async def body(room: int) -> AsyncIterator[bytes]:
            yield data

        async with self._locks.of(content_bell(asked.sha256)):
            upload = await self._created(asked)
        return upload if upload.finished else await self.append(upload.device, upload.id, 0, body, checksum=checksum)


def _compared(data: bytes, sha256: str, checksum: Checksum | None) -> tuple[bool, bool]:
    """Whether bytes have the checksum, and the hash, that they are said to have. Blocking."""
    right = True
    if checksum is not None:
        found = hashlib.new(checksum.algorithm, data, usedforsecurity=False).digest()
        right = hmac.compare_digest(found, checksum.digest)
    return right, hashlib.sha256(data).hexdigest() == sha256


def _store(blobs: Blobs, upload: Upload, data: bytes) -> None:
    """Blocking."""
    blobs.check_room(len(data))
    blobs.put(upload.id, upload.sha256, data)
