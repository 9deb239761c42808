"""How fast tasks are leased and completed, and whether that depends on how many wait.

Each round leases and completes through ``queue.Queue`` as its server does, every step a durable transaction of its own,
with some workers at once, over SQLite and beside it a queue with few tasks. ``--waiting`` says how many are many.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from sampler.identity import SigningKey
from sampler.model import Conclusion
from sampler.queue import Queue, QueuePolicy
from sampler.queue.priority import AGEING
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.storage.sqlite_queue_rows import to_column
from sampler.wire.codec import encode
from sampler.wire.messages import CompleteRequest, LeaseRequest, Manifest, ObjectMessage, StatementMessage

FEW = 1_000
WORKERS = 8
TENANTS = 20
ROUNDS = 5
PAIRS_A_ROUND = 400
DEVICE = "11111111-1111-4111-8111-111111111111"
CREATED = datetime(2026, 1, 2, tzinfo=UTC)
_NUMBERS = """WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
    made AS (SELECT printf('%08x-0000-4000-8000-%012x', n, n) AS id,
                    'tenant-' || (n % :tenants) AS tenant, :created + 1000 * n AS created, n * 7 % 101 AS points
             FROM numbers)"""
SUBMISSIONS = f"""{_NUMBERS}
    INSERT INTO submissions (id, device, received, manifest, tenant)
    SELECT id, :device, created, :manifest, tenant FROM made"""
TASKS = f"""{_NUMBERS}
    INSERT INTO tasks (id, submission, created, not_before, state, attempts, priority, tenant, standing, lane)
    SELECT id, id, created, created, 'waiting', 0, points, tenant, created - points * :ageing, 'analysis/' || tenant
    FROM made"""


async def main(waiting: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sampler-bench-"))
    try:
        few = await measure(folder / "few", FEW)
        many = await measure(folder / "many", waiting)
        print(f"p99 with {waiting:,} waiting is {many / few:.2f} times that with {FEW:,}")
    finally:
        shutil.rmtree(folder)


async def measure(folder: Path, waiting: int) -> float:
    """Print the rates with so many tasks waiting; the median of the rounds' 99th percentiles in milliseconds.

    The queue is not entered: nothing sweeps or indexes what was filled in meanwhile.
    """
    blobs = FolderBlobs(folder / "blobs")
    ledger = SqliteQueueLedger(folder / "queue.db")
    fill(ledger, range(waiting))
    queue = Queue(ledger, blobs, SystemClock(), QueuePolicy(), signer=SigningKey.create(folder / "key"))
    rates, tails, spent = [], [], []
    for number in range(ROUNDS):
        began, used = perf_counter(), process_time()
        taken = sorted(await a_round(queue))
        rates.append(len(taken) / (perf_counter() - began))
        spent.append(1000 * (process_time() - used) / len(taken))
        tails.append(1000 * taken[int(0.99 * len(taken))])
        fill(ledger, range(waiting + number * PAIRS_A_ROUND, waiting + (number + 1) * PAIRS_A_ROUND))
    ledger.close()
    print(f"lease + complete, {waiting:,} waiting, {WORKERS} at once: {spread(rates)} a second, p99 {spread(tails)} ms")
    print(f"  processor time of a pair: {spread(spent)} ms")
    return statistics.median(tails)


def fill(ledger: SqliteQueueLedger, numbers: range) -> None:
    """Waiting tasks and their submissions, made by SQLite itself: through the ledger a million would take many minutes.

    Nothing is noted for the search index, which would otherwise be behind on all of them.
    """
    manifest = Manifest(
        id="11111111-1111-4111-8111-111111111111",
        created=CREATED,
        object=ObjectMessage(sha256="a" * 64, size=1),
        statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        fields={"event.reason": "detection", "file.size": 4711, "file.name": "object-4711.bin"},
        matches=[{"rule.name": "Example", "sampler.rule.severity": "medium"}],
    )
    of_all = {
        "first": numbers.start,
        "last": numbers.stop - 1,
        "tenants": TENANTS,
        "device": DEVICE,
        "created": to_column(CREATED),
        "ageing": AGEING // timedelta(microseconds=1),
        "manifest": encode(manifest),
    }
    database: sqlite3.Connection = ledger._connection.database  # type: ignore[attr-defined]  # it is SQLite's
    database.execute("PRAGMA cache_size = -500000")
    with ledger.transaction():
        for statement in (SUBMISSIONS, TASKS):
            database.execute(statement, of_all)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.execute("PRAGMA cache_size = -2000")  # SQLite's own default


async def a_round(queue: Queue) -> list[float]:
    left = iter(range(PAIRS_A_ROUND))
    return [
        seconds for taken in await asyncio.gather(*(work(queue, left) for _ in range(WORKERS))) for seconds in taken
    ]


async def work(queue: Queue, left: Iterator[int]) -> list[float]:
    """Seconds that each pair took."""
    taken = []
    for _ in left:
        began = perf_counter()
        lease = (await queue.lease(LeaseRequest(worker="bench"))).lease
        assert lease is not None
        report = CompleteRequest(lease=lease.lease, conclusion=Conclusion.BENIGN, score=1, analyzer="bench")
        await queue.complete(lease.task.id, report)
        taken.append(perf_counter() - began)
    return taken


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    asyncio.run(main(parser.parse_args().waiting))
