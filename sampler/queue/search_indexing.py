"""The part of the queue that keeps the index up with what came in and moved on.

It runs behind the intake, so that a submission is acknowledged no later for it: what is not in the index yet is on a
durable list that is written with the submission, and each answer of a search says how long that list is. With its place
in the index a submission gets the time that it is kept and counts in the statistics. The steps are one ledger
transaction each; blocking, run on the ledger's lane.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from sampler.errors import SamplerError
from sampler.queue import retention_steps, search_terms
from sampler.queue.core import TASKS_BELL, Core
from sampler.queue.ports import Ledger
from sampler.queue.records import Submission
from sampler.queue.retention_rules import RetentionPolicy, bare_facts_of, facts_of
from sampler.queue.search_ports import Behind
from sampler.queue.search_terms import Standing
from sampler.queue.search_tlsh import Digest
from sampler.queue.submissions import state_of
from sampler.queue.waking import rung

log = structlog.get_logger()

_AT_ONCE_COUNT: Final = 4
"""Submissions that one transaction indexes; some milliseconds of the lane."""
_BUSY_RESTS: Final = 3.0
"""Rest for so many times as long as a transaction took, when something came in or moved on meanwhile."""
_IDLE_RESTS: Final = 0.25
_LOOK_SECONDS: Final = 1.0
"""How often the list is looked at when nothing rings."""


class Indexing(Core):
    """Keeps the index."""

    async def index(self) -> int:
        """Put some of what the index is behind on into it; how many submissions."""
        return await self._step(_index, self._policy.retention)

    async def keep_indexing(self) -> None:
        """Keep the index up, for ever. It gives way: while others use the queue, it rests longer than it works."""
        clock = asyncio.get_running_loop().time
        while True:
            bell = self._bells.listen(TASKS_BELL)
            began = clock()
            if await self._indexed_some():
                await asyncio.sleep((clock() - began) * (_BUSY_RESTS if bell.is_set() else _IDLE_RESTS))
            else:
                await rung(bell, _LOOK_SECONDS)

    async def _indexed_some(self) -> bool:
        try:
            async with self._sharing.chore("index") as mine:
                return mine and await self.index() > 0
        except SamplerError as error:
            log.warning("could not index; trying again", error=str(error))
            return False


def standing_of(ledger: Ledger, submission: Submission) -> Standing:
    """Where a submission stands now."""
    task = ledger.task_of(submission.id)
    verdict = task.verdict if task else None
    return Standing(submission.device, submission.tenant, state_of(task.state if task else None), verdict)


def _index(ledger: Ledger, policy: RetentionPolicy) -> int:
    with ledger.transaction():
        taken = ledger.take_behind(_AT_ONCE_COUNT)
        for each in taken:
            if each.whole:
                _index_whole(ledger, each, policy)
            else:
                _index_standing(ledger, each, policy)
    return len(taken)


def _index_whole(ledger: Ledger, behind: Behind, policy: RetentionPolicy) -> None:
    submission = behind.submission
    manifest = search_terms.readable(submission)
    if manifest is None:
        if submission.manifest:  # it cannot be read, and is kept no longer for that
            retention_steps.keep(ledger, behind.number, submission.id, bare_facts_of(submission), policy)
        return
    standing = standing_of(ledger, submission)
    ledger.put_terms(behind.number, search_terms.terms_of(search_terms.document_of(manifest, standing)))
    digest = Digest.parse(search_terms.tlsh_of(manifest) or "")
    if digest is not None:
        ledger.put_digest(behind.number, digest.text, digest.bands())
    retention_steps.keep(ledger, behind.number, submission.id, facts_of(manifest, submission), policy)
    _index_standing(ledger, behind, policy)


def _index_standing(ledger: Ledger, behind: Behind, policy: RetentionPolicy) -> None:
    if not behind.submission.manifest:
        return  # it was taken back, or is destroyed: it is found by nothing
    standing = standing_of(ledger, behind.submission)
    outdated = search_terms.outdated_terms(standing)
    ledger.put_terms(behind.number, search_terms.standing_terms(standing), instead_of=outdated)
    retention_steps.conclude(ledger, behind.number, standing.verdict, policy)
