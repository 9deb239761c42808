"""What local peers may ask of the agent, answered from the pipeline and the ledger."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import sampler
from sampler.agent.consent_line import standing_line
from sampler.agent.counting import Statistics
from sampler.agent.pending import Pending
from sampler.agent.pipeline import Pipeline
from sampler.agent.previewing import preview_of, without_strangers
from sampler.agent.recalling import Recaller
from sampler.agent.spool_answers import SpoolAnswers
from sampler.agent.views import lookup_view_of, name_of, scan_view_of, view_of
from sampler.errors import ChildDied, ChildTimedOut, NotYours, RequestError
from sampler.model import Candidate, Failure, ObjectState, Peer
from sampler.runtime.blocking import off_loop
from sampler.upload import Uploader
from sampler.wire.agent_messages import AgentStatus, ObjectPage, ObjectView
from sampler.wire.local_messages import ScanView
from sampler.wire.pending_messages import PendingDecision
from sampler.wire.preview_messages import PreviewView
from sampler.wire.recall_messages import RecallView, RecallWish
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolStatus
from sampler.wire.statistics_messages import StatisticsPreview
from sampler.wire.verdict_messages import LookUpView, LookUpWish


@dataclass(frozen=True, slots=True)
class Handler:
    """The agent's answers to its socket."""

    pipeline: Pipeline
    agent_id: str
    queue_url: str
    uploader: Uploader | None
    """``None`` while no queue is configured."""
    counters: Statistics
    recaller: Recaller
    pending: Pending
    spooling: SpoolAnswers
    rule_trouble: Callable[[], str] = str
    """Why the rules that run are not those on disk; empty: they are."""
    receipts: Callable[[], str] = str
    """How the queue's receipts hold; blocking."""
    reconciled: Callable[[], str] = str
    """What reconciling found since the start."""
    calls: Callable[[], str] = str
    """How the command about verdicts stands; blocking."""
    known_good: Callable[[], str] = str
    """Which list of known good files is held."""

    async def flag(self, candidate: Candidate) -> ObjectView:
        """Take one object; the outcome is durable when this returns."""
        return view_of(await self.pipeline.flag(candidate), candidate.peer)

    async def scan(self, candidate: Candidate) -> ScanView:
        """Scan one object; nothing is kept and nothing leaves."""
        taken = await self.pipeline.scan(candidate)
        if isinstance(taken, Failure):
            raise RequestError(f"{taken.code}: {taken.detail}")
        return scan_view_of(taken.size, taken.examination)

    async def preview(self, candidate: Candidate) -> PreviewView:
        """What flagging an object would send; nothing is kept and nothing leaves."""
        ref = (await off_loop(self.pipeline.consents.statement)).ref
        try:
            seen = await self.pipeline.preview(
                without_strangers(candidate), partial(preview_of, statement=f"{ref.id} version {ref.version}")
            )
        except (ChildDied, ChildTimedOut) as error:
            raise RequestError(f"it cannot be examined: {error}") from error
        if isinstance(seen, Failure):
            raise RequestError(f"{seen.code}: {seen.detail}")
        return seen

    async def show(self, event_id: str, peer: Peer) -> ObjectView | None:
        """One object, or ``None`` when it was never flagged here."""
        record = await off_loop(self.pipeline.spool.get, event_id)
        return None if record is None else view_of(record, peer)

    async def objects(self, peer: Peer, *, state: str | None, after: str | None, limit: int) -> ObjectPage:
        """Objects, newest first, a page at a time."""
        try:
            wanted = ObjectState(state) if state else None
        except ValueError as error:
            states = ", ".join(ObjectState)
            raise RequestError(f"there is no state {state!r}; the states are {states}") from error
        records = await off_loop(self.pipeline.spool.list, state=wanted, after=after, limit=limit)
        return ObjectPage(
            objects=[view_of(record, peer) for record in records],
            after=records[-1].event_id if len(records) == limit else None,
        )

    async def statistics(self) -> StatisticsPreview:
        """Counters of this host's days, and what of them leaves, for ``sampler statistics``."""
        return await off_loop(self.counters.preview)

    async def decide_pending(self, event_id: str, peer: Peer, decision: PendingDecision) -> ObjectView:
        """Approve or deny contents that wait; who decided goes into the journal by name."""
        if peer.uid not in {0, os.geteuid()}:
            raise NotYours("only root and the agent's own user approve or deny what waits")
        decide = self.pending.approve if decision.approve else self.pending.deny
        return view_of(await decide(event_id, name_of(peer.uid)), peer)

    async def recall(self, event_id: str, peer: Peer, wish: RecallWish) -> RecallView | None:
        """Take an object back, with all that was made of it later; for who flagged it, root and the agent's user."""
        family = await off_loop(self.recaller.family, event_id)
        if any(peer.uid not in {0, record.uid, os.geteuid()} for record in family):
            raise NotYours(f"{event_id} was flagged by another user; only that one and root can take it back")
        if not family:
            return None
        return RecallView(objects=await off_loop(self.recaller.recall, family, wish.reason))

    async def look_up(self, wish: LookUpWish) -> LookUpView:
        """What is known of a file by its hash, here or at the queue; nothing is flagged by that."""
        known = await self.pipeline.knowledge.find(wish.sha256, local=wish.local)
        return lookup_view_of(wish.sha256, known)

    async def spool_status(self, peer: Peer) -> SpoolStatus:
        """How the spool is, for ``sampler spool status``."""
        return await self.spooling.status(peer)

    async def spool_retry(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """Try what waits at once; for root and the agent's own user."""
        return await self.spooling.retry(peer, choice)

    async def spool_purge(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """End what waits, undelivered; for root and the agent's own user."""
        return await self.spooling.purge(peer, choice)

    async def status(self) -> AgentStatus:
        """How the agent is, for ``sampler agent status``."""
        counts = await off_loop(self.pipeline.spool.counts)
        report = self.pipeline.examiner.report
        return AgentStatus(
            agent_id=self.agent_id,
            version=sampler.__version__,
            queue=self.queue_url,
            queue_reachable=self.uploader.reachable if self.uploader else None,
            queue_detail=self.uploader.detail if self.uploader else "no queue is configured; run sampler agent enroll",
            ruleset_version=report.version,
            rules=report.rule_count,
            rule_problems=[problem for problem in (self.rule_trouble(), *report.problems) if problem],
            consent=await off_loop(self._consent),
            counts={state.value: count for state, count in counts.items()},
            spool_bytes=await off_loop(self.pipeline.spool.used_bytes),
            children=self.pipeline.examiner.alive,
            sandbox=str(self.pipeline.examiner.confinement),
            receipts=await off_loop(self.receipts),
            reconciled=self.reconciled(),
            on_verdict=await off_loop(self.calls),
            known_good=self.known_good(),
        )

    def _consent(self) -> str:
        return standing_line(self.pipeline.consents, self.pipeline.clock.now())
