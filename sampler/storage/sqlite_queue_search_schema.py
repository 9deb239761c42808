"""The tables of the index over submissions.

``search_terms`` and ``search_digests`` go by a submission's number. What was there before the index is on the list of
what it is behind on.
"""

from __future__ import annotations

from typing import Final

SEARCH_SCHEMA_STEP: Final = """
    CREATE TABLE search_behind (
        number INTEGER PRIMARY KEY,
        submission TEXT NOT NULL UNIQUE,
        whole INTEGER NOT NULL
    ) STRICT;
    INSERT INTO search_behind (submission, whole) SELECT id, 1 FROM submissions ORDER BY number;

    CREATE TABLE search_terms (
        term INTEGER NOT NULL,
        submission INTEGER NOT NULL,
        PRIMARY KEY (term, submission)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX search_terms_by_submission ON search_terms (submission);

    CREATE TABLE search_digests (
        submission INTEGER NOT NULL,
        digest TEXT NOT NULL,
        bands TEXT NOT NULL,
        PRIMARY KEY (submission)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX search_digests_by_digest ON search_digests (digest);

    CREATE TABLE search_bands (
        band INTEGER NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (band, digest)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX submissions_by_time ON submissions (received, number);
"""
