"""What a PostgreSQL ledger does when it meets others, and when its server goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from sampler.errors import Conflict, Contended, SettingsError, StorageError
from sampler.queue import Submission
from sampler.storage.opening import open_ledger, open_peers
from sampler.storage.postgres_connection import PostgresConnection
from sampler.storage.postgres_queue import PostgresQueueLedger
from sampler.storage.postgres_sql import schema_statements, translated
from sampler.storage.sqlite_queue_rows import SCHEMA_STEPS
from tests.support.postgres import PostgresServer, postgres_server

NOW = datetime(2026, 1, 2, tzinfo=UTC)
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{}'"
WAIT_SECONDS = 60


@pytest.fixture
def ledger(postgres_url: str) -> Iterator[PostgresQueueLedger]:
    opened = PostgresQueueLedger(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def end_sessions(postgres: PostgresServer, postgres_url: str) -> Callable[[], object]:
    """Cut every session of this test's database, as an operator or a failing network would."""
    name = postgres_url.partition("@/")[2].partition("?")[0]
    return lambda: postgres.execute(END_ALL.format(name))


def _submit(ledger: PostgresQueueLedger, name: str) -> None:
    ledger.add_submission(Submission(name, "d", NOW, b"m"), {"a" * 64: 1})


def test_a_session_that_broke_is_replaced(ledger: PostgresQueueLedger, end_sessions: Callable[[], object]) -> None:
    """Reading and writing go on after the server ended all sessions, at the next attempt at the latest."""
    _submit(ledger, "s")
    end_sessions()
    with ledger.transaction():
        assert ledger.submission("s") is not None
    end_sessions()
    with pytest.raises(StorageError):
        ledger.submission("s")
    assert ledger.submission("s") is not None


def test_a_transaction_that_is_cut_is_not_there(
    ledger: PostgresQueueLedger, end_sessions: Callable[[], object]
) -> None:
    """It can be tried again as a whole, because nothing of it was done."""

    def cut() -> None:
        with ledger.transaction():
            _submit(ledger, "s")
            end_sessions()
            _submit(ledger, "t")

    with pytest.raises(Contended):
        cut()
    assert ledger.submission("s") is None
    _submit(ledger, "s")


def test_of_two_that_saw_the_same_one_has_to_look_again(ledger: PostgresQueueLedger) -> None:
    """Two transactions that each read what the other one writes do not both happen."""
    _submit(ledger, "s")
    both = threading.Barrier(2, timeout=WAIT_SECONDS)

    def skewed(sha256: str, other: str) -> bool:
        try:
            with ledger.transaction():
                assert not ledger.verified((other,))
                both.wait()
                ledger.add_content(sha256, 1, NOW)
        except Contended:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(skewed, ("a" * 64, "b" * 64), ("b" * 64, "a" * 64)))
    assert sorted(ends) in ([False, True], [False, False])


def test_what_belongs_to_nothing_is_a_conflict(ledger: PostgresQueueLedger) -> None:
    """A broken reference is told as such, and the session goes on."""
    with pytest.raises(Conflict), ledger.transaction():
        ledger._connection.write("INSERT INTO offered (submission, position, sha256, size) VALUES ('x', 0, 'y', 1)")
    assert ledger.devices() == ()


def test_text_with_a_nul_is_kept_readable(ledger: PostgresQueueLedger) -> None:
    """PostgreSQL has no NUL in a text: what a worker wrote with one does not break the queue."""
    row = ledger._connection.rows("SELECT ? AS said", ("a\0b",))[0]
    assert row["said"] == row[0] == "a\N{REPLACEMENT CHARACTER}b"


def test_a_server_that_went_away_comes_back() -> None:
    """While it is away every step fails as the store's fault; afterwards everything committed is there."""
    with postgres_server() as server:
        ledger = PostgresQueueLedger(server.database())
        _submit(ledger, "s")
        server.stop(kill=True)
        for _ in range(2):
            with pytest.raises(StorageError):
                ledger.submission("s")
        server.start()
        assert ledger.submission("s") is not None
        ledger.close()


def test_a_closed_ledger_opens_nothing(ledger: PostgresQueueLedger) -> None:
    """A step that comes late does not leave a session behind."""
    ledger.close()
    ledger.close()
    with pytest.raises(StorageError, match="closed"):
        ledger.devices()


def test_others_are_heard_again_after_a_break(postgres_url: str, end_sessions: Callable[[], object]) -> None:
    """A listener is told whenever it may have missed something, hears what others ring, and not itself."""
    heard: list[frozenset[str] | None] = []
    came = threading.Condition()

    def hear(keys: object) -> None:
        with came:
            heard.append(None if keys is None else frozenset(keys))  # type: ignore[call-overload]  # keys of the test
            came.notify_all()

    def wait_for(condition: Callable[[], bool]) -> None:
        with came:
            assert came.wait_for(condition, WAIT_SECONDS)

    listener, ringer = open_peers(postgres_url), open_peers(postgres_url)
    listener.listen(hear)
    wait_for(lambda: heard == [None])
    end_sessions()
    wait_for(lambda: heard.count(None) == 2)
    many = {f"key-{number:0200}" for number in range(100)}
    listener.ring({"own"})
    ringer.ring(many)
    wait_for(lambda: frozenset[str]().union(*(keys for keys in heard if keys)) == many)
    for peers in (listener, ringer):
        peers.close()
        peers.close()


def test_keys_survive_a_break_unless_taken(postgres_url: str, end_sessions: Callable[[], object]) -> None:
    """A server that was cut off takes what it held again; what another one has by then stays that one's."""
    one, other = open_peers(postgres_url), open_peers(postgres_url)
    assert one.try_hold("a")
    assert one.try_hold("b")
    assert not other.try_hold("a")
    end_sessions()
    with pytest.raises(StorageError):
        other.try_hold("b")
    assert other.try_hold("b")
    with pytest.raises(StorageError):
        one.try_hold("c")
    assert one.try_hold("c")
    assert not other.try_hold("a")
    assert not one.try_hold("b")
    one.let_go("a")
    assert other.try_hold("a")
    one.close()
    other.close()


def test_statements_are_translated_outside_of_texts() -> None:
    """Placeholders are numbered, columns that are keywords quoted; what stands in quotes stays."""
    sql = "SELECT offset FROM t WHERE a = ? AND b = 'what? offset' LIMIT ? OFFSET ?"
    assert translated(sql) == "SELECT \"offset\" FROM t WHERE a = $1 AND b = 'what? offset' LIMIT $2 OFFSET $3"


def test_every_step_of_the_schema_is_translated() -> None:
    """Nothing of what only SQLite says is left."""
    for step in SCHEMA_STEPS:
        for statement in schema_statements(step):
            words = statement.replace("(", " ").replace(")", " ").replace(",", " ").split()
            assert not {"STRICT", "ROWID", "BLOB", "AUTOINCREMENT"}.intersection(words), statement


def test_what_is_no_url_is_refused() -> None:
    """A mistake in the URL is one of the settings."""
    with pytest.raises(SettingsError, match="postgresql://HOST"):
        open_ledger("postgresql://host/database?nonsense=1")


def test_a_connection_is_named_without_its_password() -> None:
    """What people see has the database's place only."""
    with pytest.raises(StorageError) as raised:
        PostgresConnection("postgresql://u:hunter2@127.0.0.1:1/db", ())
    assert "hunter2" not in str(raised.value)
