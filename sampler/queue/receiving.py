"""The steps of taking in a submission, each one ledger transaction. Blocking; run on the ledger's lane.

Invariant: a submission has a task, and a receipt, exactly when none of its contents is missing, and a content is
recorded only after its bytes are durable under their hash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sampler.errors import Conflict, Destroyed, NotFound, TooMany
from sampler.queue.planning import new_task
from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Ledger
from sampler.queue.recalls import Recall
from sampler.queue.receipts import Making, issue
from sampler.queue.records import Submission, Upload
from sampler.queue.registry import tenant_of
from sampler.queue.submissions import Wants, content_sizes, state_of, wants
from sampler.queue.usage import charge, charge_again, note_lost
from sampler.wire.messages import Manifest, ManifestAnswer

SWEEP_MAX_COUNT = 100
"""Records that one transaction of a sweep touches."""


@dataclass(frozen=True, slots=True)
class Received:
    """What accepting a manifest brought about."""

    answer: ManifestAnswer
    new_task: bool


@dataclass(frozen=True, slots=True)
class Created:
    """What beginning an upload brought about."""

    upload: Upload
    before: Upload | None
    """The upload of the same content that it replaces, if there was one."""
    complete: tuple[str, ...]
    """Submissions that got their task by it (a content without bytes is verified at once)."""


def submit(ledger: Ledger, submission: Submission, manifest: Manifest, policy: QueuePolicy, making: Making) -> Received:
    """Accept a manifest, or answer again for one that was accepted.

    Raises:
        RequestError: the manifest contradicts itself.
        Recalled: its host took it back.
        Conflict: another manifest came under this identifier.
        NotFound: another device's submission has this identifier.
        QuotaReached: the device, or its tenant, brought as much today as it may.
        TooLarge: it alone is more than a day's bytes.
    """
    with ledger.transaction():
        return accept(ledger, submission, manifest, policy, making)


def accept(ledger: Ledger, submission: Submission, manifest: Manifest, policy: QueuePolicy, making: Making) -> Received:
    """The same as a part of the caller's transaction, which has to be undone when this raises."""
    sizes = content_sizes(manifest, max_bytes=policy.object_max_bytes)
    submission = replace(submission, tenant=tenant_of(ledger, submission.device))
    before = ledger.submission(submission.id)
    wanted = wants(sizes, ledger.held(submission.tenant, tuple(sizes)))
    if before is not None:
        _check_same(before, submission, ledger.recall(submission.id))
        wanted = _not_destroyed(ledger, submission.id, wanted)
    else:
        charge(ledger, policy, submission, sum(sizes[sha256] for sha256 in wanted.wanted))
        ledger.add_submission(submission, sizes)
    new_task = _add_task_when_complete(ledger, submission.id, making, submission.received)
    task = ledger.task_of(submission.id)
    state = state_of(task.state if task else None)
    answer = ManifestAnswer(id=submission.id, state=state, wanted=list(wanted.wanted), known=list(wanted.known))
    return Received(answer, new_task)


def create_upload(ledger: Ledger, asked: Upload, policy: QueuePolicy, making: Making, now: datetime) -> Created:
    """Begin an upload in place of the one before it; it is finished at once when the content is known.

    A content without bytes counts as known: the caller has made it durable before.

    Raises:
        NotFound: the device has no such submission.
        Conflict: the submission does not offer this content with this size.
        TooMany: the device has too many unfinished uploads.
        QuotaReached: what it began and gave up today is too much.
    """
    with ledger.transaction():
        _check_offered(ledger, asked)
        before = ledger.upload_for(asked.submission, asked.sha256)
        if before is not None:
            ledger.remove_upload(before.id)
        charge_again(ledger, policy, asked, before.offset if before else 0, now)
        tenant = tenant_of(ledger, asked.device)
        known = asked.size == 0 or bool(ledger.held(tenant, (asked.sha256,)))
        if not known and ledger.open_uploads(asked.device) >= policy.uploads_per_device_max:
            raise TooMany(f"{policy.uploads_per_device_max} uploads are unfinished; end some of them first")
        upload = replace(asked, offset=asked.size if known else 0)
        ledger.add_upload(upload)
        complete = _verified(ledger, upload, making, now) if known else ()
    return Created(upload, before, complete)


def own_submission(ledger: Ledger, submission_id: str, device: str | None) -> Submission:
    """A submission, when the device may see it; ``None`` sees all.

    Raises:
        NotFound: there is none, or it is another device's.
        Recalled: its host took it back.
        Destroyed: its time was over.
    """
    submission = ledger.submission(submission_id)
    if submission is None or device not in (None, submission.device):
        raise NotFound(f"no submission {submission_id}")
    if (recall := ledger.recall(submission_id)) is not None:
        raise recall.refusal(f"submission {submission_id}")
    if not submission.manifest:
        raise Destroyed(f"submission {submission_id}: its time was over, and it is destroyed; its receipt still holds")
    return submission


def own_upload(ledger: Ledger, upload_id: str, device: str, now: datetime) -> Upload:
    """An upload of this device.

    Raises:
        NotFound: there is none, it is another device's, or its time is over.
    """
    upload = ledger.upload(upload_id)
    if upload is None or upload.device != device or upload.expires <= now:
        raise NotFound(f"no upload {upload_id}; it may have expired, or failed its check: begin it anew")
    return upload


def acknowledge(ledger: Ledger, upload: Upload, offset: int, policy: QueuePolicy, now: datetime) -> None:
    """Record what is durable of an unfinished upload.

    Raises:
        NotFound: it was ended meanwhile.
    """
    if not ledger.move_upload(upload.id, offset, now + timedelta(seconds=policy.upload_seconds)):
        raise NotFound(f"upload {upload.id} was ended meanwhile; begin it anew")


def record_content(
    ledger: Ledger, upload: Upload, policy: QueuePolicy, making: Making, now: datetime
) -> tuple[str, ...]:
    """Record a verified content and give every submission that lacked only this its task; those submissions.

    Raises:
        NotFound: the upload was ended meanwhile.
    """
    with ledger.transaction():
        acknowledge(ledger, upload, upload.size, policy, now)
        return _verified(ledger, upload, making, now)


def check_open(ledger: Ledger, upload: Upload) -> None:
    """Look, right before bytes become a content, whether anybody still wants them.

    Raises:
        NotFound: the upload was ended meanwhile.
    """
    if ledger.upload(upload.id) is None:
        raise NotFound(f"upload {upload.id} was ended meanwhile; begin it anew")


def drop_false(ledger: Ledger, upload: Upload, policy: QueuePolicy, now: datetime) -> None:
    """Forget an upload whose bytes turned out to be others than it said."""
    with ledger.transaction():
        ledger.remove_upload(upload.id)
        note_lost(ledger, policy, upload, now)


def may_settle(ledger: Ledger, upload: Upload, partial_bytes: int) -> bool:
    """Whether a content that is there may count as this upload's: its own tenant brought it.

    What another tenant brought this one has to bring as well; it may not even know that it is there. What nobody has
    noted is from before a crash, and the upload's own where bytes of it are gone that were acknowledged, or where no
    other tenant offers such a content.
    """
    tenant = tenant_of(ledger, upload.device)
    if ledger.held(tenant, (upload.sha256,)):
        return True
    if ledger.verified((upload.sha256,)):
        return False
    return partial_bytes < upload.offset or not ledger.offered_by_others(tenant, upload.sha256)


def take_expired(ledger: Ledger, now: datetime) -> tuple[Upload, ...]:
    """Forget uploads whose time is over; they are returned so that their bytes can be thrown away."""
    with ledger.transaction():
        expired = ledger.expired_uploads(now, SWEEP_MAX_COUNT)
        for upload in expired:
            ledger.remove_upload(upload.id)
    return expired


def _verified(ledger: Ledger, upload: Upload, making: Making, now: datetime) -> tuple[str, ...]:
    ledger.add_content(upload.sha256, upload.size, now, tenant_of(ledger, upload.device))
    return tuple(
        submission_id
        for submission_id in ledger.receiving(upload.sha256)
        if _add_task_when_complete(ledger, submission_id, making, now)
    )


def _check_offered(ledger: Ledger, asked: Upload) -> None:
    own_submission(ledger, asked.submission, asked.device)
    if ledger.offered_size(asked.submission, asked.sha256) != asked.size:
        raise Conflict(
            f"submission {asked.submission} offers no content {asked.sha256} of {asked.size} bytes; submit it first"
        )


def _not_destroyed(ledger: Ledger, submission_id: str, wanted: Wants) -> Wants:
    """Contents whose time was over do not travel again for the same submission."""
    offered = ledger.offered(submission_id)
    return replace(wanted, wanted=tuple(sha256 for sha256 in wanted.wanted if sha256 in offered))


def _check_same(before: Submission, again: Submission, recall: Recall | None) -> None:
    if before.device != again.device:
        raise NotFound(f"no submission {again.id} of this device; choose another identifier")
    if recall is not None:
        raise recall.refusal(f"manifest {again.id}")
    if not before.manifest:
        raise Conflict(f"submission {again.id} was here before; its time was over, and it is destroyed")
    if before.manifest != again.manifest:
        raise Conflict(f"submission {again.id} was accepted with another manifest; use a new identifier")


def _add_task_when_complete(ledger: Ledger, submission_id: str, making: Making, now: datetime) -> bool:
    if ledger.missing(submission_id) or ledger.task_of(submission_id) is not None:
        return False
    submission = own_submission(ledger, submission_id, None)
    ledger.add_task(new_task(ledger, submission, task_id=making.new_id(), plan=making.plan, now=now))
    if making.deferred:
        ledger.add_receipt_due(submission_id)
    else:
        issue(ledger, submission, making.signer)
    return True
