"""Steps of the queue's schema that stand by themselves; ``sqlite_queue_rows`` puts them in their order."""

from __future__ import annotations

from typing import Final

STATISTICS_SCHEMA_STEP: Final = """
    CREATE TABLE statistics_open (
        day INTEGER PRIMARY KEY,
        key BLOB NOT NULL,
        salt BLOB NOT NULL
    ) STRICT;

    CREATE TABLE statistics_seen (
        day INTEGER NOT NULL REFERENCES statistics_open (day) ON DELETE CASCADE,
        digest BLOB NOT NULL,
        PRIMARY KEY (day, digest)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE statistics_cells (
        day INTEGER NOT NULL REFERENCES statistics_open (day) ON DELETE CASCADE,
        name TEXT NOT NULL,
        label TEXT NOT NULL,
        hosts INTEGER NOT NULL,
        total INTEGER NOT NULL,
        largest INTEGER NOT NULL,
        threshold INTEGER NOT NULL,
        registers BLOB NOT NULL,
        PRIMARY KEY (day, name, label)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE statistics_closed (
        day INTEGER PRIMARY KEY,
        cells BLOB NOT NULL
    ) STRICT;
"""
