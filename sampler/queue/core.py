"""What every part of the queue stands on: the ledger on its lane, the contents, the clock, the bells."""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Blobs, Ledger, Signer
from sampler.queue.receipts import Making
from sampler.queue.waking import Bells, Locks
from sampler.runtime.blocking import Lane, off_loop
from sampler.runtime.clock import Clock

P = ParamSpec("P")
T = TypeVar("T")

TASKS_BELL = "tasks"


def verdicts_bell(device: str) -> str:
    """What rings when a device has a new verdict."""
    return f"verdicts/{device}"


def asks_bell(device: str) -> str:
    """What rings when a device is asked for more of an object."""
    return f"asks/{device}"


def receipts_bell(device: str) -> str:
    """What rings when a device has a new receipt."""
    return f"receipts/{device}"


def submission_bell(submission_id: str) -> str:
    """What rings when a submission moves on."""
    return f"submission/{submission_id}"


def content_bell(sha256: str) -> str:
    """What rings when a content is destroyed; also the name of the lock under which one is made and unmade."""
    return f"content/{sha256}"


class Core:
    """Owns the lane on which the ledger is used; the ledger is never touched from the event loop."""

    def __init__(
        self,
        ledger: Ledger,
        blobs: Blobs,
        clock: Clock,
        policy: QueuePolicy,
        *,
        signer: Signer,
        chance: Callable[[], float] = random.random,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._clock = clock
        self._policy = policy
        self._signer = signer
        self._chance = chance
        self._new_id = new_id
        self._making = Making(new_id, signer)
        self._new_token = new_token
        self._lane = Lane("queue-ledger")
        self._bells = Bells()
        self._locks = Locks()

    async def _step(self, function: Callable[Concatenate[Ledger, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one ledger transaction on the lane."""
        return await self._lane.run(function, self._ledger, *args, **kwargs)

    def _ring_moved(self, submission_id: str) -> None:
        self._bells.ring(submission_bell(submission_id))
        self._bells.ring(TASKS_BELL)

    async def _destroy(self, sha256: str) -> bool:
        """Remove a content, durably, unless the ledger has it; whether it is gone. The caller holds its lock."""
        if await self._step(lambda ledger: ledger.verified((sha256,))):
            return False
        await off_loop(self._blobs.destroy, sha256)
        self._bells.ring(content_bell(sha256))
        return True
