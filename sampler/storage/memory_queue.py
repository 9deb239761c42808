"""The queue's ledger in memory: the plainest thing that keeps the contract, for tests and for comparison."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sampler.errors import Conflict
from sampler.model import Verdict
from sampler.queue import (
    AskRecord,
    Device,
    KnownGoodList,
    Listed,
    Recall,
    Submission,
    Task,
    TokenRecord,
    Upload,
    VerdictRecord,
)
from sampler.storage.memory_queue_asks import MemoryAsks
from sampler.storage.memory_queue_audit import AuditTables, MemoryAudit
from sampler.storage.memory_queue_known_good import MemoryKnownGoods
from sampler.storage.memory_queue_lookup import MemoryLookUp
from sampler.storage.memory_queue_receipts import MemoryReceipts, ReceiptTables
from sampler.storage.memory_queue_retention import MemoryRetention, RetentionTables
from sampler.storage.memory_queue_search import MemorySearch, SearchTables
from sampler.storage.memory_queue_statistics import MemoryStatistics, StatisticsTables
from sampler.storage.memory_queue_tasks import MemoryTasks
from sampler.storage.memory_queue_tenancy import MemoryTenancy, TenancyTables
from sampler.wire.tenant_messages import DEFAULT_TENANT

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Tables:
    devices: dict[str, Device] = field(default_factory=dict)
    tokens: dict[str, TokenRecord] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    offered: dict[str, dict[str, int]] = field(default_factory=dict)
    contents: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    verdicts: list[VerdictRecord] = field(default_factory=list)
    asks: dict[str, AskRecord] = field(default_factory=dict)
    statistics: StatisticsTables = field(default_factory=StatisticsTables)
    index: SearchTables = field(default_factory=SearchTables)
    retention: RetentionTables = field(default_factory=RetentionTables)
    audit: AuditTables = field(default_factory=AuditTables)
    tenancy: TenancyTables = field(default_factory=TenancyTables)
    listed: dict[tuple[str, str], Listed] = field(default_factory=dict)
    known_good: dict[int, tuple[KnownGoodList, tuple[bytes, ...]]] = field(default_factory=dict)
    recalls: dict[str, Recall] = field(default_factory=dict)
    verdicts_given: int = 0
    receipts: ReceiptTables = field(default_factory=ReceiptTables)

    def copied(self) -> _Tables:
        return _Tables(*(copy.copy(getattr(self, name)) for name in self.__slots__))


class MemoryQueueLedger(
    MemoryAsks,
    MemoryKnownGoods,
    MemoryLookUp,
    MemoryTasks,
    MemorySearch,
    MemoryStatistics,
    MemoryTenancy,
    MemoryReceipts,
    MemoryRetention,
    MemoryAudit,
):
    """``queue.Ledger`` that forgets everything with the process. Dictionaries keep the order of their making."""

    at_once = 1

    def __init__(self) -> None:
        self._now = _Tables()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; not nested."""
        before = self._now.copied()
        try:
            yield
        except BaseException:
            self._now = before
            raise

    claiming = transaction

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is durable here."""
        return contextlib.nullcontext()

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """There is nobody else."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """Nothing to let go of."""

    def add_device(self, device: Device) -> None:
        """Record an enrolled host."""
        _add(self._now.devices, device.agent_id, device, f"device {device.agent_id}")

    def device(self, agent_id: str) -> Device | None:
        """The host with this identifier."""
        return self._now.devices.get(agent_id)

    def devices(self) -> tuple[Device, ...]:
        """All hosts, in the order in which they enrolled."""
        return tuple(self._now.devices.values())

    def revoke_device(self, agent_id: str, at: datetime) -> bool:
        """Refuse the host from now on."""
        device = self._now.devices.get(agent_id)
        if device is None or device.revoked is not None:
            return False
        self._now.devices[agent_id] = replace(device, revoked=at)
        return True

    def add_token(self, token: TokenRecord) -> None:
        """Record a token."""
        if any(other.name == token.name and other.ended is None for other in self._now.tokens.values()):
            raise Conflict(f"token {token.name!r} exists already")
        _add(self._now.tokens, token.digest, token, f"token {token.name!r}")

    def token(self, digest: str) -> TokenRecord | None:
        """The token with this digest."""
        return self._now.tokens.get(digest)

    def tokens(self) -> tuple[TokenRecord, ...]:
        """All tokens, in the order in which they were made."""
        return tuple(self._now.tokens.values())

    def end_token(self, digest: str, at: datetime) -> bool:
        """Use it up or revoke it; only one caller gets true."""
        token = self._now.tokens.get(digest)
        if token is None or token.ended is not None:
            return False
        self._now.tokens[digest] = replace(token, ended=at)
        return True

    def add_submission(self, submission: Submission, sizes: Mapping[str, int]) -> None:
        """Record a manifest and the contents it offers."""
        _add(self._now.submissions, submission.id, submission, f"submission {submission.id}")
        self._now.offered[submission.id] = dict(sizes)

    def submission(self, submission_id: str) -> Submission | None:
        """The submission with this identifier."""
        return self._now.submissions.get(submission_id)

    def offered_size(self, submission_id: str, sha256: str) -> int | None:
        """How many bytes the submission says that this content has."""
        return self._now.offered.get(submission_id, {}).get(sha256)

    def missing(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers and that its tenant has not delivered yet."""
        offered = tuple(self._now.offered.get(submission_id, {}))
        known = self.held(self._now.submissions[submission_id].tenant, offered) if offered else frozenset()
        return tuple(sha256 for sha256 in offered if sha256 not in known)

    def receiving(self, sha256: str) -> tuple[str, ...]:
        """The submissions without a task that offer this content."""
        with_task = {task.submission for task in self._now.tasks.values()}
        return tuple(each for each, sizes in self._now.offered.items() if sha256 in sizes and each not in with_task)

    def verified(self, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents the queue holds."""
        return frozenset(sha256 for sha256 in hashes if sha256 in self._now.contents)

    def add_content(self, sha256: str, size: int, at: datetime, tenant: str = DEFAULT_TENANT) -> None:
        """Record a verified content, and that this tenant has delivered it; once more changes nothing."""
        self._tenancy.held.add((tenant, sha256))
        self._now.contents.setdefault(sha256, size)

    def add_upload(self, upload: Upload) -> None:
        """Record an upload."""
        if self.upload_for(upload.submission, upload.sha256) is not None:
            raise Conflict(f"upload {upload.id} exists already")
        _add(self._now.uploads, upload.id, upload, f"upload {upload.id}")

    def upload(self, upload_id: str) -> Upload | None:
        """The upload with this identifier."""
        return self._now.uploads.get(upload_id)

    def upload_for(self, submission_id: str, sha256: str) -> Upload | None:
        """The upload that brings this content to this submission."""
        wanted = (submission_id, sha256)
        return next((each for each in self._now.uploads.values() if (each.submission, each.sha256) == wanted), None)

    def uploads(self) -> tuple[Upload, ...]:
        """All that are not finished."""
        found = [upload for upload in self._now.uploads.values() if not upload.finished]
        return tuple(sorted(found, key=lambda upload: upload.id))

    def open_uploads(self, device: str) -> int:
        """How many of a device's uploads are not finished."""
        return sum(upload.device == device and not upload.finished for upload in self._now.uploads.values())

    def move_upload(self, upload_id: str, offset: int, expires: datetime) -> bool:
        """Set what was acknowledged and when it expires."""
        upload = self._now.uploads.get(upload_id)
        if upload is None:
            return False
        self._now.uploads[upload_id] = replace(upload, offset=offset, expires=expires)
        return True

    def remove_upload(self, upload_id: str) -> bool:
        """Forget an upload."""
        return self._now.uploads.pop(upload_id, None) is not None

    def expired_uploads(self, now: datetime, limit: int) -> tuple[Upload, ...]:
        """Uploads, finished or not, whose time is over."""
        found = [upload for upload in self._now.uploads.values() if upload.expires <= now]
        return tuple(sorted(found, key=lambda upload: (upload.expires, upload.id))[:limit])

    def add_verdict(self, device: str, submission_id: str, verdict: Verdict) -> int:
        """Append a verdict for a device; its cursor."""
        cursor = self._now.verdicts_given = self._now.verdicts_given + 1
        self._now.verdicts.append(VerdictRecord(cursor, device, submission_id, verdict))
        return cursor

    def verdicts(self, device: str, after: int, limit: int) -> tuple[VerdictRecord, ...]:
        """A device's verdicts behind a cursor, oldest first."""
        found = [record for record in self._now.verdicts if record.device == device and record.cursor > after]
        return tuple(found[:limit])

    def offered(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers."""
        return tuple(self._now.offered.get(submission_id, ()))

    def offered_elsewhere(self, sha256: str, submission_id: str) -> bool:
        """Whether another submission offers this content too, of the same tenant or of one that has delivered it."""
        own = self.submissions_tenant(submission_id)
        others = [each for each, sizes in self._now.offered.items() if sha256 in sizes and each != submission_id]
        tenants = {self._now.submissions[each].tenant for each in others}
        return any(tenant == own or (tenant, sha256) in self._tenancy.held for tenant in tenants)

    def erase_submission(self, submission_id: str) -> tuple[str, ...]:
        """Empty its manifest, forget what hangs on it; its uploads."""
        now = self._now
        now.submissions[submission_id] = replace(now.submissions[submission_id], manifest=b"")
        ended = tuple(sorted(each.id for each in now.uploads.values() if each.submission == submission_id))
        now.offered.pop(submission_id, None)
        now.uploads = {key: each for key, each in now.uploads.items() if each.submission != submission_id}
        now.tasks = {key: each for key, each in now.tasks.items() if each.submission != submission_id}
        now.receipts.given.pop(submission_id, None)
        now.receipts.to_come.pop(submission_id, None)
        self._unlist(submission_id)
        now.verdicts = [each for each in now.verdicts if each.submission != submission_id]
        return ended

    def release_contents(self, submission_id: str) -> None:
        """The submission offers nothing any more."""
        self._now.offered.pop(submission_id, None)

    def end_submission(self, submission_id: str) -> tuple[str, ...]:
        """Forget all of it but its receipt; its uploads."""
        receipt = self.receipt(submission_id)
        ended = self.erase_submission(submission_id)
        if receipt is not None:
            self._now.receipts.given[submission_id] = receipt
        return ended

    def remove_content(self, sha256: str) -> None:
        """The queue does not hold this content any more."""
        self._now.contents.pop(sha256, None)
        self._tenancy.held.difference_update([each for each in self._tenancy.held if each[1] == sha256])

    def add_recall(self, recall: Recall) -> None:
        """Record a recall."""
        _add(self._now.recalls, recall.submission, recall, f"the recall of submission {recall.submission}")

    def end_recall(self, recall: Recall) -> None:
        """Replace a recall by its end, unless it has ended."""
        before = self._now.recalls.get(recall.submission)
        if before is not None and before.done is None:
            self._now.recalls[recall.submission] = recall

    def recall(self, submission_id: str) -> Recall | None:
        """The recall of a submission."""
        return self._now.recalls.get(submission_id)

    def recall_of_task(self, task_id: str) -> Recall | None:
        """The recall that ended this task."""
        return next((recall for recall in self._now.recalls.values() if recall.task == task_id), None)

    def recall_of_content(self, sha256: str) -> Recall | None:
        """The latest recall that destroyed this content, or is about to."""
        found = [recall for recall in self._now.recalls.values() if sha256 in recall.doomed]
        return max(found, key=lambda recall: recall.asked, default=None)

    def unfinished_recalls(self, limit: int) -> tuple[Recall, ...]:
        """Those with something left to destroy."""
        found = [recall for recall in self._now.recalls.values() if recall.done is None]
        return tuple(sorted(found, key=lambda recall: (recall.asked, recall.submission))[:limit])

    def forget_recalled_contents(self, before: datetime) -> None:
        """Forget the names of contents of recalls that ended before."""
        for key, recall in self._now.recalls.items():
            if recall.done is not None and recall.done < before:
                self._now.recalls[key] = replace(recall, doomed=(), kept=())

    def forget_deleted(self) -> None:
        """There are no files."""

    def submissions_of(self, device: str, after: str | None, limit: int) -> tuple[str, ...]:
        """By their identifiers."""
        own = [each.id for each in self._now.submissions.values() if each.device == device and each.id > (after or "")]
        return tuple(sorted(own)[:limit])

    @property
    def _asks(self) -> dict[str, AskRecord]:
        return self._now.asks

    @property
    def _signed(self) -> ReceiptTables:
        return self._now.receipts

    @property
    def _retention(self) -> RetentionTables:
        return self._now.retention

    @property
    def _index(self) -> SearchTables:
        return self._now.index

    @property
    def _submissions(self) -> dict[str, Submission]:
        return self._now.submissions

    @property
    def _lists(self) -> dict[int, tuple[KnownGoodList, tuple[bytes, ...]]]:
        return self._now.known_good

    @property
    def _lines(self) -> dict[tuple[str, str], Listed]:
        return self._now.listed

    @property
    def _sums(self) -> StatisticsTables:
        return self._now.statistics

    def submissions_tenant(self, submission_id: str) -> str | None:
        """Whose a submission is."""
        submission = self._now.submissions.get(submission_id)
        return None if submission is None else submission.tenant

    @property
    def _audit(self) -> AuditTables:
        return self._now.audit

    @property
    def _tenancy(self) -> TenancyTables:
        return self._now.tenancy

    def offered_by_others(self, tenant: str, sha256: str) -> bool:
        """Whether a submission of another tenant offers this content."""
        return bool(self._offering(sha256) - {tenant})

    def _offers(self, tenant: str, sha256: str) -> bool:
        return tenant in self._offering(sha256)

    def _offering(self, sha256: str) -> set[str]:
        """The tenants that do."""
        offering = [each for each, sizes in self._now.offered.items() if sha256 in sizes]
        return {self._now.submissions[each].tenant for each in offering}

    @property
    def _tasks(self) -> dict[str, Task]:
        return self._now.tasks

    @property
    def _offered(self) -> Mapping[str, Mapping[str, int]]:
        return self._now.offered


def _add(table: dict[K, V], key: K, value: V, what: str) -> None:
    if key in table:
        raise Conflict(f"{what} exists already")
    table[key] = value
