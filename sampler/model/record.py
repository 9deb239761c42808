"""What the host's ledger keeps of one flagged object, from the moment it was decided to its verdict and beyond."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sampler.model.candidate import Reason
from sampler.model.examination import ContentKind
from sampler.model.finding import Omission
from sampler.model.parcel import Content, Scope
from sampler.model.states import ObjectState, Sampling
from sampler.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One flagged object as its owner sees it. Stays on the host."""

    event_id: str
    state: ObjectState
    created: datetime
    updated: datetime
    """UTC, both."""
    uid: int
    """Who flagged it."""
    reason: Reason
    path: bytes | None = None
    sha256: str | None = None
    size: int | None = None
    mime_type: str | None = None
    detail: str = ""
    """Why it ended as it did, or what it waits for."""
    rule: str = ""
    """The numbered rule of statement or policy that decided."""
    detections: tuple[str, ...] = ()
    matches: tuple[tuple[str, int], ...] = ()
    """Rule name and how many string hits it had."""
    sampling: Sampling = Sampling.NONE
    """What of it is sent."""
    contents: tuple[Content, ...] = ()
    omissions: tuple[Omission, ...] = ()
    sent_bytes: int = 0
    """Content bytes that travelled."""
    follows: str | None = None
    """The object's first event, for contents that wait or waited for a person's approval."""
    scopes: frozenset[Scope] = frozenset()
    """What consent these contents need."""
    verdict: Verdict | None = None
    kind: ContentKind | None = None
    """``None`` where it was never examined."""
    ruleset_version: str = ""
