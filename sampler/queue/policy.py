"""What an operator may decide about the queue's behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field

from sampler.limits import OBJECT_MAX_BYTES
from sampler.queue.quotas import Quotas
from sampler.queue.retention_rules import RetentionPolicy
from sampler.queue.stages import ONE_STAGE, Plan
from sampler.queue.tasks import RetryRules
from sampler.queue.validity import Validity


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """Ceilings and times of one queue."""

    retry: RetryRules = field(default_factory=RetryRules)
    plan: Plan = ONE_STAGE
    """The stages that the task of a new submission goes through."""
    object_max_bytes: int = OBJECT_MAX_BYTES
    """The largest content that is taken."""
    upload_seconds: float = 7 * 86400.0
    """An upload that is not continued for this long is thrown away."""
    uploads_per_device_max: int = 64
    """Unfinished uploads that one device may have."""
    sweep_seconds: float = 5.0
    """How often leases and uploads are looked at whose time is over."""
    ask_seconds: float = 7 * 86400.0
    """A host that has not answered an ask for this long is not waited for any more."""
    open_asks_per_device_max: int = 1000
    """Unanswered asks that one device may have."""
    quotas: Quotas = field(default_factory=Quotas)
    """What may come in on one day, where a tenant has no quotas of its own."""
    audit_days: float = 730.0
    """How long it is kept who did what."""
    validity: Validity = field(default_factory=Validity)
    """How long verdicts answer for the same bytes."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """How long what came in is kept."""
