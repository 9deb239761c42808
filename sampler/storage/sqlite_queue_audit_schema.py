"""The step of the queue's schema about who did what."""

from __future__ import annotations

from typing import Final

AUDIT_SCHEMA_STEP: Final = """
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        happened INTEGER NOT NULL,
        actor TEXT NOT NULL,
        role TEXT NOT NULL,
        tenant TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL,
        place INTEGER UNIQUE,
        chain TEXT
    ) STRICT;
    CREATE INDEX audit_loose ON audit (number) WHERE place IS NULL;
    CREATE INDEX audit_by_subject ON audit (subject, place);
    CREATE INDEX audit_by_actor ON audit (actor, place);
    CREATE INDEX audit_by_tenant ON audit (tenant, place);
"""
