"""The queue's ledger in one SQLite file.

Every step that the queue acknowledges is one committed transaction with ``synchronous=FULL``. One connection, used on
one thread at a time; other processes (``sampler queue tokens``) may have the file open as well.
"""

from __future__ import annotations

from pathlib import Path

from sampler.storage.sqlite_connection import SqliteConnection
from sampler.storage.sqlite_queue_admission import Admission
from sampler.storage.sqlite_queue_asking import Asking
from sampler.storage.sqlite_queue_audit import Auditing
from sampler.storage.sqlite_queue_known_good import KnownGoods
from sampler.storage.sqlite_queue_lookup import LookingUp
from sampler.storage.sqlite_queue_receipts import Receipts
from sampler.storage.sqlite_queue_retention import Destroying, Retaining
from sampler.storage.sqlite_queue_rollups import Rollups
from sampler.storage.sqlite_queue_rows import SCHEMA_STEPS
from sampler.storage.sqlite_queue_search import Searching
from sampler.storage.sqlite_queue_statistics import Statistics
from sampler.storage.sqlite_queue_tenancy import Tenancy


class SqlQueueLedger(
    Admission,
    Auditing,
    Retaining,
    Destroying,
    Rollups,
    Searching,
    Asking,
    KnownGoods,
    LookingUp,
    Receipts,
    Statistics,
    Tenancy,
):
    """``queue.Ledger`` over any database that there is a ``Connection`` for."""


class SqliteQueueLedger(SqlQueueLedger):
    """``queue.Ledger`` over SQLite. Raises ``StorageError`` when the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteConnection(path, SCHEMA_STEPS))
