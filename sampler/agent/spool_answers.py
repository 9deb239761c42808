"""What operators are told about the spool, and do to it, over the agent's socket."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sampler.agent.views import name_of
from sampler.errors import NotYours
from sampler.model import ObjectState, Peer
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.runtime.key_ring import Keys
from sampler.spool import Spool
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolGroup, SpoolStatus

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class SpoolAnswers:
    """The spool of one host, for its operators."""

    spool: Spool
    keys: Keys
    clock: Clock
    on_retry: Callable[[], None]
    """Try the queue again at once."""

    async def status(self, peer: Peer) -> SpoolStatus:
        """How the spool is; whose objects wait only for root and the agent's own user."""
        return await off_loop(self._status, peer)

    async def retry(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """Let what waits be tried at once.

        Raises:
            NotYours: only root and the agent's own user may.
        """
        _check(peer)
        again = await off_loop(self.spool.upkeep.retry, choice.ids, self.clock.now())
        self.on_retry()
        return SpoolDone(objects=again)

    async def purge(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """End what waits, undelivered; what is being delivered at this moment is left alone.

        Raises:
            NotYours: only root and the agent's own user may.
            SpoolFull, JournalError: it cannot be written down.
        """
        _check(peer)
        return await off_loop(self._purge, name_of(peer.uid), choice)

    def _status(self, peer: Peer) -> SpoolStatus:
        standing, counts, key = self.spool.upkeep.standing(), self.spool.counts(), self.keys.current()
        groups = [
            SpoolGroup(
                group=group.name,
                objects=group.objects,
                size_bytes=group.size_bytes,
                severity=group.severity,
                since=group.since,
            )
            for group in standing.groups
        ]
        return SpoolStatus(
            objects=counts[ObjectState.SPOOLED],
            used_bytes=standing.fill.used_bytes,
            max_bytes=standing.quota.max_bytes,
            free_bytes=standing.fill.free_bytes,
            reserve_bytes=standing.quota.reserve_bytes,
            evicted=counts[ObjectState.EVICTED],
            expired=counts[ObjectState.EXPIRED],
            key_made=key.made,
            next_due=self.spool.next_due(),
            untold=standing.untold,
            groups=groups if _is_operator(peer) else [],
        )

    def _purge(self, by: str, choice: SpoolChoice) -> SpoolDone:
        if choice.ids is not None:
            ended = self.spool.upkeep.purge(choice.ids, by, self.clock.now())
            return SpoolDone(objects=len(ended), ids=list(ended))
        pages = (self.spool.upkeep.purge(page, by, self.clock.now()) for page in self._waiting())
        return SpoolDone(objects=sum(map(len, pages)))

    def _waiting(self) -> Iterator[list[str]]:
        """What waits for delivery, a page at a time, from the newest to the oldest."""
        after: str | None = None
        while page := self.spool.list(state=ObjectState.SPOOLED, after=after, limit=_PAGE):
            after = page[-1].event_id
            yield [record.event_id for record in page]


def _is_operator(peer: Peer) -> bool:
    return peer.uid in {0, os.geteuid()}


def _check(peer: Peer) -> None:
    if not _is_operator(peer):
        raise NotYours("only root and the agent's own user do that to the spool")
