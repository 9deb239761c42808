"""What every part of the queue stands on: the ledger on its lanes, the contents, the clock, the bells."""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sampler.queue.acts import Act, Actor
from sampler.queue.lanes import Lanes
from sampler.queue.peers import Alone, Peers
from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Blobs, Ledger, Signer
from sampler.queue.receipts import Making
from sampler.queue.sharing import Sharing
from sampler.queue.waking import Locks
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.wire.audit_messages import Action

P = ParamSpec("P")
T = TypeVar("T")

TASKS_BELL = "tasks"
RECEIPTS_DUE_BELL = "receipts-due"


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
    """Owns the lanes on which the ledger is used; the ledger is never touched from the event loop."""

    def __init__(
        self,
        ledger: Ledger,
        blobs: Blobs,
        clock: Clock,
        policy: QueuePolicy,
        *,
        signer: Signer,
        peers: Peers | None = None,
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
        self._new_token = new_token
        self._lanes = Lanes(ledger)
        peers = Alone() if peers is None else peers
        self._making = Making(new_id, signer, policy.plan, deferred=peers.shared)
        self._sharing = Sharing(peers)
        self._bells = self._sharing.bells
        self._locks = Locks(self._sharing if peers.shared else None)

    async def _step(self, function: Callable[Concatenate[Ledger, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one step of the ledger on a lane. When it meets another process's it is undone and run again, whole: it
        does nothing but read and write the ledger.

        Raises:
            Contended: it met others each time.
        """
        return await self._lanes.run(function, *args, **kwargs)

    def _act(self, by: Actor | None, action: Action, detail: str = "") -> Act | None:
        """What is written down beside a step that somebody asks for; nothing where nobody in particular does."""
        return None if by is None else Act(by, action, self._clock.now(), detail)

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
