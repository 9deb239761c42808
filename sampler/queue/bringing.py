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
        async with self._locks.of(content_bell(asked.sha256)):
            upload = await self._created(asked)
            if upload.finished:
                return upload
            if not await off_loop(_store, self._blobs, upload, data, checksum):
                await self._step(receiving.drop_false, upload, self._policy, self._clock.now())
                raise ContentMismatch(f"other bytes came for {asked.sha256}; begin the upload anew")
            await self._record(upload)
        return replace(upload, offset=upload.size)

    async def _bring_a_part(self, asked: Upload, data: bytes, checksum: Checksum | None) -> Upload:
        async def body(room: int) -> AsyncIterator[bytes]:
            yield data

        async with self._locks.of(content_bell(asked.sha256)):
            upload = await self._created(asked)
        return upload if upload.finished else await self.append(upload.device, upload.id, 0, body, checksum=checksum)


def _store(blobs: Blobs, upload: Upload, data: bytes, checksum: Checksum | None) -> bool:
    """Whether bytes have the hash that they are said to have; they are a content then. Blocking.

    Raises:
        ContentMismatch: they have another checksum.
    """
    if checksum is not None:
        found = hashlib.new(checksum.algorithm, data, usedforsecurity=False).digest()
        if not hmac.compare_digest(found, checksum.digest):
            raise ContentMismatch(f"the bytes have another {checksum.algorithm}; send them again")
    if hashlib.sha256(data).hexdigest() != upload.sha256:
        return False
    blobs.check_room(len(data))
    blobs.put(upload.id, upload.sha256, data)
    return True
