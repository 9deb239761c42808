"""A ledger of every earlier schema, with something in each of its tables, is brought to the present one.

What earlier versions wrote is put in by their own schema's steps, so these never change once they are committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sampler.errors import StorageError
from sampler.model import TaskState
from sampler.queue import Ledger
from sampler.storage.connections import Connection
from sampler.storage.postgres_connection import PostgresConnection
from sampler.storage.postgres_queue import PostgresQueueLedger
from sampler.storage.sqlite_connection import SqliteConnection
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.storage.sqlite_queue_rows import SCHEMA_STEPS
from tests.support.postgres import PostgresServer

# ruff: noqa: E501  # rows read better as one line each
FIRST_STEPS = "40b60f45"
"""The beginning of the SHA-256 over the first five steps, which are in use."""
VERDICT = '{"conclusion":"malicious","score":90,"analyzer":"a","at":"2026-01-02T03:04:05Z","family":null,"note":null}'
HASH = "a" * 64

ROWS = {
    1: (
        f"INSERT INTO devices (agent_id, serial, name, enrolled, expires) VALUES ('d1', 'abc', 'lab', 1, {2**52})",
        f"INSERT INTO tokens (digest, role, name, created, expires) VALUES ('{HASH}', 'worker', 'w', 1, {2**52})",
        *(
            f"INSERT INTO submissions (id, device, received, manifest) VALUES ('s{n}', 'd1', {n}, x'7b7d')"
            for n in range(6)
        ),
        *(
            f"INSERT INTO offered (submission, position, sha256, size) VALUES ('s{n}', 0, '{HASH}', 5)"
            for n in range(6)
        ),
        f"INSERT INTO contents (sha256, size, verified) VALUES ('{HASH}', 5, 1)",
        f"INSERT INTO uploads (id, submission, device, sha256, size, expires, offset) VALUES ('u', 's5', 'd1', '{HASH}', 5, 9, 2)",
        "INSERT INTO tasks (id, submission, created, not_before, state, attempts) VALUES ('t0', 's0', 5, 5, 'waiting', 0)",
        "INSERT INTO tasks (id, submission, created, not_before, state, attempts) VALUES ('t1', 's1', 6, 9, 'waiting', 1)",
        "INSERT INTO tasks (id, submission, created, not_before, state, attempts, worker, lease_digest, expires)"
        f" VALUES ('t2', 's2', 7, 7, 'leased', 1, 'w', '{HASH}', 99)",
        f"INSERT INTO tasks (id, submission, created, not_before, state, attempts, verdict) VALUES ('t3', 's3', 8, 8, 'done', 1, '{VERDICT}')",
        "INSERT INTO tasks (id, submission, created, not_before, state, attempts, failure) VALUES ('t4', 's4', 9, 9, 'dead', 5, 'no')",
        f"INSERT INTO verdicts (device, submission, verdict) VALUES ('d1', 's3', '{VERDICT}')",
    ),
    2: (
        "INSERT INTO asks (id, submission, device, asked, created, expires, state)"
        " VALUES ('a', 's3', 'd1', '{\"wants\":\"whole\"}', 1, 9, 'open')",
    ),
    3: (
        "INSERT INTO receipts (position, submission, device, document, signature) VALUES (0, 's3', 'd1', x'7b7d', x'00')",
        "INSERT INTO log_nodes (level, place, hash) VALUES (0, 0, x'01')",
    ),
    4: (
        "INSERT INTO submissions (id, device, received, manifest) VALUES ('gone', 'd1', 7, x'')",
        "INSERT INTO recalls (submission, device, cause, asked, done) VALUES ('gone', 'd1', 'person', 8, 9)",
    ),
    5: ("INSERT INTO statistics_open (day, key, salt) VALUES (739000, x'01', x'02')",),
}
"""What was written under the version that brought the table, and went through every step since."""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger may lie: nothing is there yet."""
    if request.param == "sqlite":
        yield str(tmp_path / "queue.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.database()
    yield url
    server.drop(url)


@pytest.fixture
def at_version(place: str) -> Callable[[int], str]:
    """A ledger as some version left it; where it is."""

    def make(version: int) -> str:
        on_disk = not place.startswith("postgresql:")
        for now in range(1, version + 1):
            connection = _connected(place, SCHEMA_STEPS[:now])
            for statement in ROWS.get(now, ()):
                connection.write(statement if on_disk else statement.replace("x'", "'\\x"))
            connection.close()
        return place

    return make


def _connected(place: str, steps: Sequence[str]) -> Connection:
    on_disk = not place.startswith("postgresql:")
    return SqliteConnection(Path(place), steps) if on_disk else PostgresConnection(place, steps)


def _opened(place: str) -> Ledger:
    return PostgresQueueLedger(place) if place.startswith("postgresql:") else SqliteQueueLedger(Path(place))


@pytest.mark.parametrize("version", range(1, len(SCHEMA_STEPS)))
def test_every_earlier_ledger_opens_with_all_it_had(at_version: Callable[[int], str], version: int) -> None:
    """Hosts, people, submissions, tasks in each of their states and verdicts are there after every step since."""
    ledger = _opened(at_version(version))
    assert [device.agent_id for device in ledger.devices()] == ["d1"]
    assert [token.name for token in ledger.tokens()] == ["w"]
    assert ledger.missing("s5") == ()
    states = {task.id: task.state for task in ledger.tasks(state=None, after=None, limit=10)}
    assert states == {
        "t0": TaskState.WAITING, "t1": TaskState.RESTING, "t2": TaskState.LEASED, "t3": TaskState.DONE, "t4": TaskState.DEAD,
    }  # fmt: skip
    assert [record.submission for record in ledger.verdicts("d1", 0, 10)] == ["s3"]
    assert len(ledger.uploads()) == 1
    if version >= 2:
        assert [ask.id for ask in ledger.open_asks("d1", 10)] == ["a"]
    assert ledger.log_size() == (1 if version >= 3 else 0)
    assert (ledger.recall("gone") is not None) == (version >= 4)
    assert len(ledger.open_statistics_days()) == (1 if version >= 5 else 0)
    ledger.add_verdict("d1", "s3", ledger.verdicts("d1", 0, 10)[0].verdict)
    assert [record.cursor for record in ledger.verdicts("d1", 0, 10)] == [1, 2]
    ledger.close()


def test_steps_in_use_stay_as_they_are() -> None:
    """A ledger in the field was made by these very steps; a change goes into a new one."""
    assert hashlib.sha256("".join(SCHEMA_STEPS[:5]).encode()).hexdigest().startswith(FIRST_STEPS)


def test_a_newer_ledger_is_left_alone(at_version: Callable[[int], str]) -> None:
    """A program that does not know a schema changes nothing of it."""
    place = at_version(1)
    with pytest.raises(StorageError, match="newer Sampler"):
        _connected(place, ())
    ledger = _opened(place)
    assert ledger.devices()
    ledger.close()


def test_a_step_that_fails_leaves_the_version_before(at_version: Callable[[int], str]) -> None:
    """What a step did before it failed is undone, and the ledger is what it was."""
    place = at_version(1)
    broken = (
        SCHEMA_STEPS[0],
        "CREATE TABLE half (n INTEGER NOT NULL) STRICT; CREATE TABLE devices (n INTEGER) STRICT;",
    )
    with pytest.raises(StorageError):
        _connected(place, broken)
    ledger = _opened(place)
    assert ledger.devices()
    ledger.close()
