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
    ALTER TABLE tasks ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tasks ADD COLUMN lane TEXT;
    ALTER TABLE tasks ADD COLUMN wakes INTEGER;
    UPDATE tasks SET standing = created;
    UPDATE tasks SET state = 'resting', wakes = not_before WHERE state = 'waiting' AND attempts > 0;
    UPDATE tasks SET lane = 'analysis/default' WHERE state = 'waiting';
    DROP INDEX tasks_due;
    DROP INDEX tasks_leased;
    CREATE INDEX tasks_waiting ON tasks (lane, standing, number) WHERE lane IS NOT NULL;
    CREATE INDEX tasks_resting ON tasks (wakes, number) WHERE wakes IS NOT NULL;
    CREATE INDEX tasks_leased ON tasks (expires, number) WHERE expires IS NOT NULL;
    CREATE INDEX tasks_by_tenant ON tasks (tenant, number);
"""
"""``lane`` (kind and tenant in one text) is there while a task waits, ``wakes`` while it rests, ``expires`` while it is
leased. They repeat what other columns say, so that each question of the queue names one column that one small index is
over: whatever a planner guesses about how many tasks are in which state, it has no other way to take.
"""
