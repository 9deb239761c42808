"""The queue as one object: what hosts deliver, what workers lease, who is let in, and what happens by itself."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import structlog

from sampler.errors import SamplerError
from sampler.queue import receiving, registry, seeing
from sampler.queue.asking import Asking
from sampler.queue.audit import Auditing
from sampler.queue.bringing import Bringing
from sampler.queue.dispatcher import Dispatcher
from sampler.queue.known_good import KnownGoods
from sampler.queue.looking_up import LookingUp
from sampler.queue.recalling import Recalling
from sampler.queue.receipting import Receipting
from sampler.queue.records import Device, TokenRecord
from sampler.queue.retention import Retention
from sampler.queue.rollup_reading import Rollups
from sampler.queue.search import Searching
from sampler.queue.seeing import Kind
from sampler.queue.statistics import Statistics
from sampler.queue.usage import forget_old
from sampler.queue.watching import Watching
from sampler.runtime.blocking import off_loop
from sampler.runtime.tasks import TaskKeeper

log = structlog.get_logger()


class Queue(
    Bringing,
    Dispatcher,
    Watching,
    Asking,
    Auditing,
    Recalling,
    Receipting,
    Statistics,
    Searching,
    Retention,
    Rollups,
    LookingUp,
    KnownGoods,
):
    """Use as an asynchronous context manager: entering settles what a crash left behind, leaving closes the ledger."""

    async def __aenter__(self) -> Self:
        self._keeper = TaskKeeper("queue")
        try:
            await self._sharing.open(alone=not self._blobs.shared)
            await self._recover_in_turn()
        except BaseException:
            await self._close()
            raise
        self._keeper.start("sweep", self._sweep())
        if self._making.deferred:
            self._keeper.start("receipts", self.keep_issuing())
        self._keeper.start("index", self.keep_indexing())
        self._keeper.start("retention", self.keep_retaining())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    def end_waiting(self) -> None:
        """Let everybody who waits for something have an answer now, because the process is about to end."""
        self._bells.silence()

    async def device(self, agent_id: str, serial: str) -> Device:
        """The device of a certificate that TLS has verified already.

        Raises:
            IdentityError: it is unknown, revoked, has another certificate by now, or its certificate ran out.
        """
        return await self._step(registry.check_device, agent_id, serial, self._clock.now())

    async def enroll(self, digest: str, device: Device) -> None:
        """Record a device and use its enrolment token up.

        Raises:
            IdentityError: the token is not good any more.
        """
        await self._step(registry.enroll, digest, device, self._clock.now())

    async def token(self, digest: str) -> TokenRecord | None:
        """The token with this digest, if it is good now."""
        token = await self._step(lambda ledger: ledger.token(digest))
        return token if token is not None and token.is_good(self._clock.now()) else None

    async def check_seen(self, tenant: str, kind: Kind, name: str) -> None:
        """Whether a thing is a tenant's own; one that there is not is nobody's, and passes.

        Raises:
            NotFound: it is another tenant's.
        """
        await self._step(seeing.check_seen, tenant, kind, name)

    async def check_ready(self) -> None:
        """Whether the ledger answers and there is room.

        Raises:
            StorageError: the ledger does not answer.
            StorageFull: there is no room.
        """
        await self._step(lambda ledger: ledger.next_change())
        await off_loop(self._blobs.check_room, 0)

    async def free_bytes(self) -> int:
        """Bytes that may still be taken in."""
        return await off_loop(self._blobs.free_bytes)

    async def recover(self) -> None:
        """Settle uploads that a crash interrupted, throw away bytes that belong to none, end recalls.

        Uploads first: what another one has brought anew of a recalled content is its own.
        """
        if not self._making.deferred:  # a ledger that servers share had receipts from its first day on
            await self.backfill_receipts()
        partials = await off_loop(self._blobs.partials)  # first: another server may begin one at any moment
        uploads = await self._step(lambda ledger: ledger.uploads())
        for upload in uploads:
            await self._settled(upload)
        known = {upload.id for upload in uploads}
        for upload_id in partials:
            if upload_id not in known:
                await off_loop(self._blobs.discard, upload_id)
        await self.resume_recalls()

    async def sweep(self) -> None:
        """Take back leases, end asks and throw away uploads whose time is over."""
        await self.settle_tasks()
        await self.expire_asks()
        await self.close_statistics()
        await self.forget_listed()
        await self.resume_recalls()
        await self._step(forget_old, self._clock.now())
        await self.tend_audit()
        for upload in await self._step(receiving.take_expired, self._clock.now()):
            await off_loop(self._blobs.discard, upload.id)
            log.info("upload expired", upload=upload.id, submission=upload.submission, offset=upload.offset)

    async def _close(self) -> None:
        await self._keeper.close()
        await self._sharing.close()
        await self._lanes.close()

    async def _recover_in_turn(self) -> None:
        """Of several servers that start at once, one settles what was left; the others' hosts lose nothing by it."""
        async with self._sharing.chore("recover") as mine:
            if mine:
                await self.recover()

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(self._policy.sweep_seconds)
            try:
                async with self._sharing.chore("sweep") as mine:
                    if mine:
                        await self.sweep()
            except SamplerError as error:
                log.warning("could not sweep; trying again", error=str(error))
