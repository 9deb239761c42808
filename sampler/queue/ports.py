"""What the queue needs of a store of records and of a store of bytes. ``storage`` implements both; all calls block.

The ledger is used on ``at_once`` threads, each with transactions of its own. Its methods outside a ``transaction``
commit by themselves; within one they are durable together when it ends, and undone together when anything is raised.
What a ledger cannot write for want of room raises ``StorageFull``, whatever else goes wrong ``StorageError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, Protocol

from sampler.model import Verdict
from sampler.queue.asks import AskRecord
from sampler.queue.audit_ports import AuditLedger
from sampler.queue.known_good_ports import KnownGoodLedger
from sampler.queue.lookup_ports import LookUpLedger
from sampler.queue.recalls import Recall
from sampler.queue.records import Device, ReceiptRecord, Submission, TokenRecord, Upload, VerdictRecord
from sampler.queue.retention_ports import RetentionLedger
from sampler.queue.rollup_ports import RollupLedger
from sampler.queue.search_ports import SearchLedger
from sampler.queue.statistics_ports import StatisticsLedger
from sampler.queue.task_ports import TasksLedger
from sampler.queue.tenant_ports import TenantsLedger
from sampler.wire.tenant_messages import DEFAULT_TENANT


class Ledger(
    KnownGoodLedger,
    LookUpLedger,
    SearchLedger,
    StatisticsLedger,
    TasksLedger,
    TenantsLedger,
    AuditLedger,
    RetentionLedger,
    RollupLedger,
    Protocol,
):
    """Durable records of devices, tokens, submissions, contents, uploads, tasks and verdicts."""

    @property
    def at_once(self) -> int:
        """How many threads may use it at the same time."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; not nested.

        Raises:
            Contended: another process changed the same meanwhile: nothing was done, and the step may be run again.
        """

    def claiming(self) -> AbstractContextManager[None]:
        """A transaction that takes tasks: what it finds waiting, resting or overdue no other one finds until it ends.

        It reads what others have committed by then, also while it runs; what it changes it has to have found in it.
        """

    def together(self) -> AbstractContextManager[None]:
        """Around several steps, of a ledger that one thread may use: all of them are durable when it ends.

        A transaction in it is undone by itself.

        Raises:
            StorageError, StorageFull: none of them is.
        """

    def turn(self) -> AbstractContextManager[None]:
        """Of all steps in all processes that are run in a turn, one is run at a time; around a transaction."""

    def close(self) -> None:
        """Let go of the store. A second call does nothing."""

    # devices

    def add_device(self, device: Device) -> None:
        """Record an enrolled host; ``Conflict`` when its identifier is there."""

    def device(self, agent_id: str) -> Device | None:
        """The host with this identifier."""

    def devices(self) -> tuple[Device, ...]:
        """All hosts, in the order in which they enrolled."""

    def revoke_device(self, agent_id: str, at: datetime) -> bool:
        """Refuse the host from now on; false when there is none, or none that is not revoked."""

    # tokens

    def add_token(self, token: TokenRecord) -> None:
        """Record a token; ``Conflict`` when its name is in use by one that has not ended, or its digest is known."""

    def token(self, digest: str) -> TokenRecord | None:
        """The token with this digest."""

    def tokens(self) -> tuple[TokenRecord, ...]:
        """All tokens, in the order in which they were made."""

    def end_token(self, digest: str, at: datetime) -> bool:
        """Use it up or revoke it; false when there is none, or none that has not ended. Only one caller gets true."""

    # submissions and contents

    def add_submission(self, submission: Submission, sizes: Mapping[str, int]) -> None:
        """Record a manifest and the contents it offers (SHA-256 to bytes); ``Conflict`` when it is there."""

    def submission(self, submission_id: str) -> Submission | None:
        """The submission with this identifier."""

    def offered_size(self, submission_id: str, sha256: str) -> int | None:
        """How many bytes the submission says that this content has; ``None`` when it does not offer it."""

    def missing(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers and that its tenant has not delivered yet, in the manifest's order."""

    def receiving(self, sha256: str) -> tuple[str, ...]:
        """The submissions without a task that offer this content, oldest first."""

    def verified(self, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents the queue holds, whoever delivered them."""

    def add_content(self, sha256: str, size: int, at: datetime, tenant: str = DEFAULT_TENANT) -> None:
        """Record a verified content, and that this tenant has delivered it; once more changes nothing."""

    # uploads

    def add_upload(self, upload: Upload) -> None:
        """Record an upload."""

    def upload(self, upload_id: str) -> Upload | None:
        """The upload with this identifier."""

    def upload_for(self, submission_id: str, sha256: str) -> Upload | None:
        """The upload that brings this content to this submission."""

    def uploads(self) -> tuple[Upload, ...]:
        """All that are not finished."""

    def open_uploads(self, device: str) -> int:
        """How many of a device's uploads are not finished."""

    def move_upload(self, upload_id: str, offset: int, expires: datetime) -> bool:
        """Set what was acknowledged and when it expires; false when there is no such upload any more."""

    def remove_upload(self, upload_id: str) -> bool:
        """Forget an upload; false when there is none."""

    def expired_uploads(self, now: datetime, limit: int) -> tuple[Upload, ...]:
        """Uploads, finished or not, whose time is over."""

    # verdicts

    def add_verdict(self, device: str, submission_id: str, verdict: Verdict) -> int:
        """Append a verdict for a device; its cursor."""

    def verdicts(self, device: str, after: int, limit: int) -> tuple[VerdictRecord, ...]:
        """A device's verdicts behind a cursor, oldest first."""

    # asks

    def add_ask(self, ask: AskRecord) -> None:
        """Record an ask."""

    def put_ask(self, ask: AskRecord) -> None:
        """Replace an ask by its next state."""

    def ask(self, ask_id: str) -> AskRecord | None:
        """The ask with this identifier."""

    def asks(self, submission_id: str | None, limit: int, tenant: str | None = None) -> tuple[AskRecord, ...]:
        """Asks, or those about one submission, the newest first; a tenant's where it is named."""

    def open_asks(self, device: str, limit: int) -> tuple[AskRecord, ...]:
        """A device's open asks, the oldest first."""

    def overdue_asks(self, now: datetime, limit: int) -> tuple[AskRecord, ...]:
        """Open asks whose time is over, the longest first."""

    # recalls

    def offered(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers, in the manifest's order."""

    def offered_elsewhere(self, sha256: str, submission_id: str) -> bool:
        """Whether another submission offers this content too, of the same tenant or of one that has delivered it.

        A tenant that only names a content does not keep it from being destroyed.
        """

    def erase_submission(self, submission_id: str) -> tuple[str, ...]:
        """Empty its manifest, forget its task, verdicts, receipt, uploads and what it offers; the uploads' identifiers.

        The log of receipts keeps its hashes: what was proven of it still is.
        """

    def remove_content(self, sha256: str) -> None:
        """The queue does not hold this content any more."""

    def add_recall(self, recall: Recall) -> None:
        """Record a recall; ``Conflict`` when its submission has one."""

    def end_recall(self, recall: Recall) -> None:
        """Replace a recall by its end; one that has ended stays as it is."""

    def recall(self, submission_id: str) -> Recall | None:
        """The recall of a submission."""

    def recall_of_task(self, task_id: str) -> Recall | None:
        """The recall that ended this task."""

    def recall_of_content(self, sha256: str) -> Recall | None:
        """A recall that destroyed this content, or is about to, as long as it has its name."""

    def unfinished_recalls(self, limit: int) -> tuple[Recall, ...]:
        """Those with something left to destroy, the oldest first."""

    def forget_recalled_contents(self, before: datetime) -> None:
        """Forget the names of contents of recalls that ended before."""

    def forget_deleted(self) -> None:
        """What was deleted or overwritten is in none of the store's files when this returns."""

    def submissions_of(self, device: str, after: str | None, limit: int) -> tuple[str, ...]:
        """A device's submissions in the order of their identifiers, behind ``after``."""

    # receipts

    def add_receipt(self, receipt: ReceiptRecord, nodes: Mapping[tuple[int, int], bytes]) -> None:
        """Append to the log, with the tree's nodes (level and index) that become complete by it.

        Raises:
            Conflict: the submission has a receipt, or the position is taken.
        """

    def log_size(self) -> int:
        """How many receipts there are: the next one's position."""

    def log_node(self, level: int, index: int) -> bytes:
        """A node of the log's tree that is complete.

        Raises:
            StorageError: it is not there.
        """

    def receipt(self, submission_id: str) -> ReceiptRecord | None:
        """The receipt of a submission."""

    def receipts(self, device: str, after: int, limit: int) -> tuple[ReceiptRecord, ...]:
        """A device's receipts from the position ``after`` on, in the log's order."""

    def add_receipt_due(self, submission_id: str) -> None:
        """A submission's receipt is still to come."""

    def receipts_due(self, limit: int) -> tuple[Submission, ...]:
        """Submissions whose receipt is still to come, in the order in which they were noted."""

    def end_receipt_due(self, submission_id: str) -> None:
        """The receipt is there."""

    def without_receipt(self, limit: int) -> tuple[Submission, ...]:
        """Submissions that have a task and no receipt, oldest first."""


class Signer(Protocol):
    """The queue's signature under what it hands out (``identity.SigningKey`` is one)."""

    def sign(self, context: str, document: bytes) -> bytes:
        """A signature over the document in this context."""


class Partial(Protocol):
    """An open upload of one writer."""

    offset: int
    """Where the next byte goes."""

    def write(self, data: bytes) -> None:
        """Append; ``StorageFull`` when that would use up the reserve or the disk (some of it may have been written)."""

    def sync(self) -> int:
        """Make durable what was written; the offset."""

    def rewind(self, offset: int) -> None:
        """Throw away, durably, what lies behind ``offset``."""

    def close(self) -> None:
        """Let go of it. A second call does nothing."""


class Blobs(Protocol):
    """Durable contents by their SHA-256, and the uploads that are to become contents."""

    shared: bool
    """Whether several servers may use them at once."""

    def open_partial(self, upload_id: str, offset: int) -> Partial:
        """An upload to append to. Bytes behind ``offset`` are cut off; when there are fewer, it stands at their end."""

    def partial_size(self, upload_id: str) -> int:
        """How many bytes of an upload there are; 0 when there is none."""

    def partials(self) -> tuple[str, ...]:
        """The identifiers of all uploads that have bytes."""

    def finish(self, upload_id: str, sha256: str, size: int) -> None:
        """Verify an upload and make it a content, durably. When the content is there already, only the upload goes.

        Its bytes are verified in either case: whoever names a content has not shown yet that it has it.

        Raises:
            ContentMismatch: its bytes are others; the upload is gone.
        """

    def put(self, upload_id: str, sha256: str, data: bytes) -> None:
        """Make bytes that are known to have this hash a content, durably; the same as an upload of them that is ended.

        Raises:
            StorageFull: there is no room; nothing of it stays.
        """

    def discard(self, upload_id: str) -> None:
        """Throw an upload's bytes away, if there are any."""

    def has(self, sha256: str) -> bool:
        """Whether the content is there."""

    def open_content(self, sha256: str) -> BinaryIO:
        """A verified content for reading.

        Raises:
            NotFound: it is not there.
        """

    def destroy(self, sha256: str) -> None:
        """Remove a content, durably, and look that it is gone; nothing when there is none.

        Raises:
            StorageError: it is still there.
        """

    def check_room(self, size: int) -> None:
        """Whether ``size`` more bytes leave the reserve alone.

        Raises:
            StorageFull: they do not.
        """

    def free_bytes(self) -> int:
        """Bytes that may still be taken in before the reserve is touched."""
