from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.errors import StorageError
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire import openapi
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Person = Callable[[Role], Call]


async def test_the_process_answers_at_both_doors(host: Call, anybody: Call) -> None:
    """Health, readiness and the interface need no token; nothing says what the server runs on."""
    for call in (host, anybody):
        for path in ("/healthz", "/readyz"):
            reply = await call("GET", path)
            assert (reply.status, json.loads(reply.body)) == (200, {"status": "ok"})
        assert (await call("GET", "/openapi.json")).body == openapi.encoded()
        assert reply.headers["Server"] == "sampler"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_queue_that_cannot_store_is_not_ready(anybody: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room, or without a ledger, readiness is 503 and says why; the process still answers."""
    monkeypatch.setattr(FolderBlobs, "free_bytes", lambda self: -1)
    reply = await anybody("GET", "/readyz")
    assert reply.status == 503
    assert b"no room" in reply.body

    def broken(self: SqliteQueueLedger) -> None:
        raise StorageError("the ledger failed")

    monkeypatch.setattr(SqliteQueueLedger, "next_change", broken)
    reply = await anybody("GET", "/readyz")
    assert (reply.status, json.loads(reply.body)["detail"]) == (503, "the ledger failed")
    assert (await anybody("GET", "/healthz")).status == 200


async def test_metrics_count_answers(person: Person, anybody: Call) -> None:
    """Answers by route and status, tasks by state, and room; unknown routes share one name."""
    await anybody("GET", "/healthz")
    for path in ("/nothing", "/else"):
        await anybody("GET", path)
    reply = await person(Role.ANALYST)("GET", "/metrics")
    assert reply.content_type == "text/plain"
    lines = reply.body.decode().splitlines()
    assert 'sampler_answers_total{route="health",status="200"} 1' in lines
    assert 'sampler_answers_total{route="",status="404"} 2' in lines
    assert 'sampler_tasks{state="dead"} 0' in lines
    assert any(line.startswith("sampler_room_bytes ") and int(line.split()[1]) > 0 for line in lines)


async def test_what_nobody_expected_is_500_and_logged(
    anybody: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug is told as such, without its text, and its traceback is in the log."""

    def bug(self: SqliteQueueLedger) -> None:
        raise ZeroDivisionError("secret text")

    monkeypatch.setattr(SqliteQueueLedger, "next_change", bug)
    reply = await anybody("GET", "/readyz")
    assert (reply.status, reply.problem) == (500, "internal")
    assert b"secret text" not in reply.body
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.out + captured.err
