"""Bringing a PostgreSQL database to the present schema, by the same steps as an SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sampler.errors import StorageError
from sampler.storage.postgres_sessions import Session, our_errors
from sampler.storage.postgres_sql import schema_statements

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('sampler/schema', 0))"


def migrate(session: Session, schema_steps: Sequence[str], *, name: str) -> None:
    """Run the steps that the database does not have, each with its number in one transaction; servers take turns.

    Raises:
        StorageError: it was written by a newer version, or a step failed.
    """
    with our_errors(session):
        present = _in_turn(session, None, 0)
        if present > len(schema_steps):
            raise StorageError(
                f"{name}: has schema version {present}, this program knows {len(schema_steps)}; use a newer Sampler"
            )
        for number in range(present, len(schema_steps)):
            _in_turn(session, schema_steps[number], number)


def _in_turn(session: Session, step: str | None, number: int) -> int:
    """Run a step if the version is still this one; the version after it."""
    session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")  # a snapshot from before the lock would be too old
    try:
        session.execute("SET LOCAL statement_timeout = 0")  # an index over a large table takes its time
        session.execute("SET LOCAL lock_timeout = 0")
        session.execute(_LOCK)
        version = _version(session)
        if step is not None and version == number:  # another process may have been first
            for statement in schema_statements(step):
                session.execute(statement)
            session.execute("UPDATE sampler_schema SET version = $1", (number + 1,))
        session.execute("COMMIT")
    except BaseException:
        if not session.broken:
            session.execute("ROLLBACK")
        raise
    return version


def _version(session: Session) -> int:
    session.execute("CREATE TABLE IF NOT EXISTS sampler_schema (version BIGINT NOT NULL)")
    row = session.execute("SELECT version FROM sampler_schema").fetchone()
    if row is not None:
        return int(row["version"])
    session.execute("INSERT INTO sampler_schema (version) VALUES (0)")
    return 0
