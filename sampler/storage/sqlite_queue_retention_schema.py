"""The tables of retention and of the statistics that outlive it.

What was there before is put on the list of what the index is behind on once more: with its terms it gets its time.
"""

from __future__ import annotations

from typing import Final

RETENTION_SCHEMA_STEP: Final = """
    CREATE TABLE retention (
        submission INTEGER NOT NULL,
        id TEXT NOT NULL,
        device TEXT NOT NULL,
        tenant TEXT NOT NULL,
        day INTEGER NOT NULL,
        contents_due INTEGER NOT NULL,
        records_due INTEGER NOT NULL,
        contents_gone INTEGER,
        rules TEXT NOT NULL,
        about TEXT NOT NULL,
        PRIMARY KEY (submission)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX retention_contents ON retention (contents_due, submission) WHERE contents_gone IS NULL;
    CREATE INDEX retention_records ON retention (records_due, submission);
    CREATE INDEX retention_by_rules ON retention (rules);
    CREATE INDEX retention_by_day ON retention (day, tenant);

    CREATE TABLE retention_doomed (
        sha256 TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE retention_rules (
        place INTEGER NOT NULL PRIMARY KEY,
        digest TEXT NOT NULL,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE holds (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        reason TEXT NOT NULL,
        placed_by TEXT NOT NULL,
        placed INTEGER NOT NULL,
        lifted_by TEXT,
        lifted INTEGER
    ) STRICT;
    CREATE INDEX holds_by_target ON holds (target) WHERE lifted IS NULL;

    CREATE TABLE rollups (
        day INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        dimension TEXT NOT NULL,
        label TEXT NOT NULL,
        objects INTEGER NOT NULL,
        total_bytes INTEGER NOT NULL,
        PRIMARY KEY (day, tenant, dimension, label)
    ) STRICT, WITHOUT ROWID;

    DELETE FROM search_behind;
    INSERT INTO search_behind (submission, whole) SELECT id, 1 FROM submissions ORDER BY number;
"""
