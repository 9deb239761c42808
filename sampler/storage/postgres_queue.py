"""The queue's ledger in a PostgreSQL database, which any number of server processes share.

The row modules are those of SQLite. Every transaction is serializable; one that met another is tried again by whoever
began it (``errors.Contended``).
"""

from __future__ import annotations

from sampler.storage.postgres_connection import PostgresConnection
from sampler.storage.sqlite_queue import SqlQueueLedger
from sampler.storage.sqlite_queue_rows import SCHEMA_STEPS


class PostgresQueueLedger(SqlQueueLedger):
    """``queue.Ledger`` over PostgreSQL.

    Raises ``SettingsError`` when it is no URL of one, ``StorageError`` when it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        super().__init__(PostgresConnection(url, SCHEMA_STEPS))
