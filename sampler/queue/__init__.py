"""Submissions, tasks, leases and verdicts: what the queue decides and in which order it makes things durable.

Owns the life of a submission from its manifest to its verdict. Invariants: what is acknowledged is durable; a
submission has a task exactly when none of its contents is missing; of several workers one gets a task, and a lease that
ran out is worth nothing; a device sees only what is its own. It knows no SQL and no HTTP: records and bytes are kept by
whatever implements ``Ledger`` and ``Blobs``, and it never touches them on the event loop.
"""

from sampler.queue.acts import LOCAL, Act, Actor, note
from sampler.queue.asks import AskRecord
from sampler.queue.audit_ports import AuditEntry, AuditLedger, AuditQuestion
from sampler.queue.known_good_ports import KnownGoodLedger, KnownGoodList
from sampler.queue.lookup_ports import Listed, LookUpLedger
from sampler.queue.offering import OfferOutcome
from sampler.queue.peers import HEARD_NOT, Alone, Peers
from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Blobs, Ledger, Partial, Signer
from sampler.queue.quotas import Quotas, Usage
from sampler.queue.recalls import Recall
from sampler.queue.receiver import Body, Checksum
from sampler.queue.records import Device, ReceiptRecord, Submission, TokenRecord, Upload, VerdictRecord
from sampler.queue.retention_ports import Hold, Kept, RetentionLedger
from sampler.queue.retention_rules import Due, Facts, RetentionPolicy, RetentionRule
from sampler.queue.rollup_ports import RollupLedger
from sampler.queue.rollups import Count, Rollup
from sampler.queue.search_ports import Behind, Candidates, Numbered, SearchLedger
from sampler.queue.service import Queue
from sampler.queue.stages import ONE_STAGE, Outcome, Stage, check_plan
from sampler.queue.statistics_cells import Cell, OpenDay
from sampler.queue.statistics_ports import StatisticsLedger
from sampler.queue.task_ports import TasksLedger
from sampler.queue.tasks import Lane, RetryRules, Task
from sampler.queue.tenant_ports import TenantsLedger
from sampler.queue.tenants import Tenant
from sampler.queue.validity import Validity

__all__ = [
    "HEARD_NOT",
    "LOCAL",
    "ONE_STAGE",
    "Act",
    "Actor",
    "Alone",
    "AskRecord",
    "AuditEntry",
    "AuditLedger",
    "AuditQuestion",
    "Behind",
    "Blobs",
    "Body",
    "Candidates",
    "Cell",
    "Checksum",
    "Count",
    "Device",
    "Due",
    "Facts",
    "Hold",
    "Kept",
    "KnownGoodLedger",
    "KnownGoodList",
    "Lane",
    "Ledger",
    "Listed",
    "LookUpLedger",
    "Numbered",
    "OfferOutcome",
    "OpenDay",
    "Outcome",
    "Partial",
    "Peers",
    "Queue",
    "QueuePolicy",
    "Quotas",
    "Recall",
    "ReceiptRecord",
    "RetentionLedger",
    "RetentionPolicy",
    "RetentionRule",
    "RetryRules",
    "Rollup",
    "RollupLedger",
    "SearchLedger",
    "Signer",
    "Stage",
    "StatisticsLedger",
    "Submission",
    "Task",
    "TasksLedger",
    "Tenant",
    "TenantsLedger",
    "TokenRecord",
    "Upload",
    "Usage",
    "Validity",
    "VerdictRecord",
    "check_plan",
    "note",
]
