"""Steps of the queue's schema about tenants: whose what is, and what came in on which day."""

from __future__ import annotations

from typing import Final

TENANTS_SCHEMA_STEP: Final = """
    ALTER TABLE devices ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
    ALTER TABLE tokens ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
    ALTER TABLE tokens ADD COLUMN raw INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE submissions ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
    CREATE INDEX submissions_by_tenant ON submissions (tenant, number);

    CREATE TABLE tenants (
        name TEXT NOT NULL PRIMARY KEY,
        created INTEGER NOT NULL,
        quotas TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tenant_contents (
        tenant TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (tenant, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tenant_contents_by_hash ON tenant_contents (sha256);
    INSERT INTO tenant_contents (tenant, sha256) SELECT 'default', sha256 FROM contents;
    INSERT INTO tenants (name, created, quotas) VALUES ('default', 0, '{}');
"""

QUOTAS_SCHEMA_STEP: Final = """
    CREATE TABLE device_usage (
        day INTEGER NOT NULL,
        device TEXT NOT NULL,
        objects INTEGER NOT NULL,
        total_bytes INTEGER NOT NULL,
        PRIMARY KEY (day, device)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tenant_usage (
        day INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        objects INTEGER NOT NULL,
        total_bytes INTEGER NOT NULL,
        PRIMARY KEY (day, tenant)
    ) STRICT, WITHOUT ROWID;
"""
