"""Submissions, tasks, leases and verdicts: what the queue decides and in which order it makes things durable.

Owns the life of a submission from its manifest to its verdict. Invariants: what is acknowledged is durable; a
submission has a task exactly when none of its contents is missing; of several workers one gets a task, and a lease that
ran out is worth nothing; a device sees only what is its own. It knows no SQL and no HTTP: records and bytes are kept by
whatever implements ``Ledger`` and ``Blobs``, and it never touches them on the event loop.
"""

from sampler.queue.asks import AskRecord
from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Blobs, Ledger, Partial, Signer
from sampler.queue.recalls import Recall
from sampler.queue.receiver import Body, Checksum
from sampler.queue.records import Device, ReceiptRecord, Submission, TokenRecord, Upload, VerdictRecord
from sampler.queue.service import Queue
from sampler.queue.statistics_cells import Cell, OpenDay
from sampler.queue.statistics_ports import StatisticsLedger
from sampler.queue.tasks import RetryRules, Task
from sampler.queue.validity import Validity

__all__ = [
    "AskRecord",
    "Blobs",
    "Body",
    "Cell",
    "Checksum",
    "Device",
    "Ledger",
    "OpenDay",
    "Partial",
    "Queue",
    "QueuePolicy",
    "Recall",
    "ReceiptRecord",
    "RetryRules",
    "Signer",
    "StatisticsLedger",
    "Submission",
    "Task",
    "TokenRecord",
    "Upload",
    "Validity",
    "VerdictRecord",
]
