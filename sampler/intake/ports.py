"""What the door needs from the agent behind it."""

from __future__ import annotations

from typing import Protocol

from sampler.model import Candidate, Peer
from sampler.wire.agent_messages import AgentStatus, ObjectPage, ObjectView
from sampler.wire.local_messages import ScanView
from sampler.wire.pending_messages import PendingDecision
from sampler.wire.preview_messages import PreviewView
from sampler.wire.recall_messages import RecallView, RecallWish
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolStatus
from sampler.wire.statistics_messages import StatisticsPreview
from sampler.wire.verdict_messages import LookUpView, LookUpWish


class LocalHandler(Protocol):
    """Answers local requests. Who may see which object is its decision: it is given the peer."""

    async def flag(self, candidate: Candidate) -> ObjectView:
        """Take one object through to a durable outcome.

        A ``DescriptorSource``'s descriptor belongs to the handler from the call on, however it ends.
        """

    async def scan(self, candidate: Candidate) -> ScanView:
        """Scan one object, keep and send nothing; the descriptor is as with ``flag``.

        Raises:
            RequestError: the object cannot be had.
        """

    async def preview(self, candidate: Candidate) -> PreviewView:
        """What flagging one object would send; keep and send nothing; the descriptor is as with ``flag``.

        Raises:
            RequestError: the object cannot be had or examined.
        """

    async def show(self, event_id: str, peer: Peer) -> ObjectView | None:
        """One object, or ``None`` if there is none that this peer may see."""

    async def objects(self, peer: Peer, *, state: str | None, after: str | None, limit: int) -> ObjectPage:
        """A page of the objects that this peer may see, newest first."""

    async def statistics(self) -> StatisticsPreview:
        """Counters of this host's days, and what of them leaves."""

    async def decide_pending(self, event_id: str, peer: Peer, decision: PendingDecision) -> ObjectView:
        """Approve or deny contents that wait.

        Raises:
            NotYours: only root and the agent's own user decide.
            RequestError: it does not wait, or may not leave now.
        """

    async def recall(self, event_id: str, peer: Peer, wish: RecallWish) -> RecallView | None:
        """Take an object back, with all that was made of it later; ``None`` if it was never flagged here.

        Raises:
            NotYours: somebody else flagged it.
        """

    async def look_up(self, wish: LookUpWish) -> LookUpView:
        """What is known of a file by its hash; no object is flagged by that."""

    async def spool_status(self, peer: Peer) -> SpoolStatus:
        """How the spool is, as far as this peer may know."""

    async def spool_retry(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """Try what waits at once.

        Raises:
            NotYours: only root and the agent's own user may.
        """

    async def spool_purge(self, peer: Peer, choice: SpoolChoice) -> SpoolDone:
        """End what waits, undelivered.

        Raises:
            NotYours: only root and the agent's own user may.
        """

    async def status(self) -> AgentStatus:
        """How the agent is."""
