"""Steps of the queue's schema about look-ups."""

from __future__ import annotations

from typing import Final

LOOKUP_SCHEMA_STEP: Final = """
    CREATE TABLE listed_verdicts (
        tenant TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        submission TEXT NOT NULL REFERENCES submissions (id),
        verdict TEXT NOT NULL,
        given INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (tenant, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX listed_verdicts_by_end ON listed_verdicts (expires);
    CREATE INDEX listed_verdicts_by_submission ON listed_verdicts (submission);
"""

KNOWN_GOOD_SCHEMA_STEP: Final = """
    CREATE TABLE known_good (
        list_number INTEGER NOT NULL PRIMARY KEY,
        sha256 TEXT NOT NULL,
        document BLOB NOT NULL,
        signature BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE known_good_pieces (
        list_number INTEGER NOT NULL REFERENCES known_good (list_number),
        piece INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (list_number, piece)
    ) STRICT;
"""
