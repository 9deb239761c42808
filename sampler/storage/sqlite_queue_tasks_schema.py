"""Tasks stand in lanes: priority, tenant, the stages of a plan and how each ended."""

from __future__ import annotations

from typing import Final

TASKS_SCHEMA_STEP: Final = """
    ALTER TABLE tasks ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tasks ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
    ALTER TABLE tasks ADD COLUMN kind TEXT NOT NULL DEFAULT 'analysis';
    ALTER TABLE tasks ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tasks ADD COLUMN stages TEXT NOT NULL DEFAULT '[{"kind":"analysis"}]';
    ALTER TABLE tasks ADD COLUMN outcomes TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE tasks ADD COLUMN lane TEXT NOT NULL DEFAULT 'analysis/default';
    ALTER TABLE tasks ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
    UPDATE tasks SET standing = created;
    UPDATE tasks SET state = 'resting' WHERE state = 'waiting' AND attempts > 0;
    DROP INDEX tasks_due;
    CREATE INDEX tasks_waiting ON tasks (lane, standing, number) WHERE state = 'waiting';
    CREATE INDEX tasks_resting ON tasks (not_before) WHERE state = 'resting';
    CREATE INDEX tasks_by_tenant ON tasks (tenant, number);
"""
"""``lane`` is kind and tenant in one text, so that the lanes in use are found by steps through one index; ``standing``
is a task's rank. Both repeat what other columns say, for the index alone."""
