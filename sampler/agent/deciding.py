"""The one decision with all that it is made of on this host: consent, statement, policy, the hour, the day's volume."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from sampler.agent.consents import ConsentStore
from sampler.agent.held_objects import HeldObjects
from sampler.errors import ConsentError
from sampler.model import Finding, Parcel, Refusal, Scope, Spent
from sampler.permit import (
    Circumstances,
    Consent,
    Explanation,
    HostNames,
    Policy,
    Statement,
    decide,
    explain,
    refuse,
    shipped_names,
    shipped_statement,
    withheld,
)
from sampler.runtime.clock import Clock
from sampler.spool import Spool

log = structlog.get_logger()

_DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and for the owner's record which fields stay here by which rule."""

    outcome: Parcel | Refusal
    stays: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides about findings. Blocking."""

    clock: Clock
    consents: ConsentStore
    policy: Policy
    host: HostNames
    spool: Spool
    held: HeldObjects
    turns: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around a decision and the keeping of what it permits: where a day's volume is limited, one at a time, so that
        no two fit into the room of one.
        """
        with self.turns if self._counts else nullcontext():
            yield

    def decide(self, finding: Finding, *, approved: frozenset[str] | None = None) -> Decided:
        """What of a finding may leave now; ``approved`` as in ``permit.Circumstances``."""
        statement, consent = self.consent(finding.event_id)
        beside = self._circumstances(finding, approved)
        outcome = decide(finding, statement, consent, self.policy, self.host, self.clock.now(), beside)
        if isinstance(outcome, Refusal):
            return Decided(outcome, {})
        accepted = consent.scopes if consent is not None else frozenset[Scope]()
        return Decided(outcome, withheld(finding, outcome, statement, accepted))

    def refuse(self, finding: Finding) -> Refusal | None:
        """Why nothing of a finding may leave; ``None``: something may. Less work than ``decide``."""
        statement, consent = self.consent(finding.event_id)
        return refuse(finding, statement, consent, self.policy, self.clock.now(), self._circumstances(finding, None))

    def explain(self, finding: Finding) -> Explanation:
        """The same, field by field."""
        statement, consent = self.consent(finding.event_id)
        beside = self._circumstances(finding, None)
        return explain(finding, statement, consent, self.policy, self.host, self.clock.now(), beside)

    def consent(self, event_id: str) -> tuple[Statement, Consent | None]:
        """What was accepted. A damaged consent is none: the object is refused, and the log says what to repair."""
        try:
            return self.consents.statement(), self.consents.load()
        except ConsentError as error:
            log.error("the consent counts as absent", event_id=event_id, error=str(error))
            return shipped_statement(shipped_names()[0]), None

    def _circumstances(self, finding: Finding, approved: frozenset[str] | None) -> Circumstances:
        now = self.clock.now()
        return Circumstances(
            local_offset=now.astimezone().utcoffset() or timedelta(0),
            spent=self.spool.permitted_since(now - _DAY) if self._counts else Spent(),
            approved=approved,
            can_hold=self.held.store.has_room(finding.size),
        )

    @property
    def _counts(self) -> bool:
        return self.policy.bytes_per_day is not None or self.policy.objects_per_day is not None
