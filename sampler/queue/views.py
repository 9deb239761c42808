"""Records of the ledger as messages of the wire. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.model import TaskState, Verdict
from sampler.queue.records import Submission, VerdictRecord
from sampler.queue.stages import Outcome, Stage
from sampler.queue.submissions import state_of
from sampler.queue.tasks import Task
from sampler.wire.codec import decode
from sampler.wire.messages import (
    ContentMessage,
    Manifest,
    StageView,
    StoredContent,
    SubmissionView,
    TaskView,
    VerdictEvent,
    VerdictMessage,
    VerdictPage,
)


def manifest_of(submission: Submission) -> Manifest:
    """The manifest that was accepted."""
    return decode(submission.manifest, Manifest)


def submission_view(submission: Submission, task: Task | None, missing: Sequence[str]) -> SubmissionView:
    """Where a submission is."""
    return SubmissionView(
        id=submission.id,
        state=state_of(task.state if task else None),
        received=submission.received,
        object=manifest_of(submission).object,
        missing=list(missing),
        verdict=verdict_message(task.verdict) if task and task.verdict else None,
    )


def task_view(task: Task, submission: Submission) -> TaskView:
    """A task with what its manifest says."""
    manifest = manifest_of(submission)
    return TaskView(
        id=task.id,
        state=task.state,
        submission=task.submission,
        object=manifest.object,
        created=task.created,
        attempts=task.attempts,
        fields=manifest.fields,
        matches=manifest.matches,
        contents=[stored_content(content) for content in manifest.contents],
        omissions=manifest.omissions,
        worker=task.worker,
        expires=task.expires,
        not_before=task.not_before if task.state is TaskState.RESTING else None,
        failure=task.failure,
        verdict=verdict_message(task.verdict) if task.verdict else None,
        priority=task.priority,
        tenant=task.tenant,
        stage=task.stage,
        stages=_stage_views(task),
    )


def verdict_page(records: Sequence[VerdictRecord], after: int) -> VerdictPage:
    """Verdicts in their order, and where to go on."""
    events = [
        VerdictEvent(cursor=record.cursor, submission=record.submission, verdict=verdict_message(record.verdict))
        for record in records
    ]
    return VerdictPage(events=events, cursor=records[-1].cursor if records else after)


def verdict_message(verdict: Verdict) -> VerdictMessage:
    """A verdict as it travels."""
    return VerdictMessage(
        conclusion=verdict.conclusion,
        score=verdict.score,
        analyzer=verdict.analyzer,
        at=verdict.at,
        family=verdict.family,
        note=verdict.note,
        expires=verdict.expires,
    )


def _stage_views(task: Task) -> list[StageView]:
    ended = {outcome.stage: outcome for outcome in task.outcomes}
    return [_stage_view(stage, ended.get(number)) for number, stage in enumerate(task.plan)]


def _stage_view(stage: Stage, outcome: Outcome | None) -> StageView:
    return StageView(
        kind=stage.kind,
        optional=stage.optional,
        verdict=verdict_message(outcome.verdict) if outcome and outcome.verdict else None,
        failure=outcome.failure if outcome else None,
    )


def stored_content(content: ContentMessage) -> StoredContent:
    """A content as whoever analyzes sees it."""
    return StoredContent(sha256=content.sha256, size=content.size, part=content.part)
