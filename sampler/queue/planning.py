"""The task of a submission that has just become whole. Blocking; inside of the transaction that makes it whole."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sampler.queue.ports import Ledger
from sampler.queue.priority import COMMON_COUNT, points
from sampler.queue.records import Submission
from sampler.queue.stages import Plan
from sampler.queue.tasks import Task
from sampler.queue.views import manifest_of

_LOOKED_UP_MAX_COUNT: Final = 16
"""Contents of one submission whose rarity is asked for."""


def new_task(ledger: Ledger, submission: Submission, *, task_id: str, plan: Plan, now: datetime) -> Task:
    """A task that waits in its first stage."""
    return Task(
        id=task_id,
        submission=submission.id,
        created=now,
        not_before=now,
        priority=points(manifest_of(submission), offered=_offered(ledger, submission)),
        tenant=submission.tenant,
        plan=plan,
    )


def _offered(ledger: Ledger, submission: Submission) -> int:
    """How many submissions offer its rarest content; one without contents is as rare as can be."""
    contents = ledger.offered(submission.id)[:_LOOKED_UP_MAX_COUNT]
    return min((ledger.offering(sha256, COMMON_COUNT) for sha256 in contents), default=1)
