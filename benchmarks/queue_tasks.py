"""How fast tasks are leased and completed, and whether that depends on how many wait.

Each round leases and completes through ``queue.Queue`` as its server does, every step a durable transaction of its own,
with some workers at once, over SQLite and beside it a queue with few tasks. ``--waiting`` says how many are many.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import msgspec

from sampler.identity import SigningKey
from sampler.model import Conclusion
from sampler.queue import Queue, QueuePolicy, Submission, Task
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.storage.sqlite_queue_dispatch import Dispatch
from sampler.storage.sqlite_queue_receiving import Receiving
from sampler.wire.messages import CompleteRequest, LeaseRequest, Manifest, ObjectMessage, StatementMessage

FEW = 1_000
WORKERS = 8
TENANTS = 20
ROUNDS = 5
PAIRS_A_ROUND = 400
BATCH = 10_000
DEVICE = "11111111-1111-4111-8111-111111111111"
CREATED = datetime(2026, 1, 2, tzinfo=UTC)


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
    rates, tails = [], []
    for number in range(ROUNDS):
        began = perf_counter()
        taken = sorted(await a_round(queue))
        rates.append(len(taken) / (perf_counter() - began))
        tails.append(1000 * taken[int(0.99 * len(taken))])
        fill(ledger, range(waiting + number * PAIRS_A_ROUND, waiting + (number + 1) * PAIRS_A_ROUND))
    ledger.close()
    print(f"lease + complete, {waiting:,} waiting, {WORKERS} at once: {spread(rates)} a second, p99 {spread(tails)} ms")
    return statistics.median(tails)


def fill(ledger: SqliteQueueLedger, numbers: range) -> None:
    """Submissions without contents and their tasks, some thousand in one transaction.

    Nothing is noted for the search index, which would otherwise be behind on all of them.
    """
    for begin in range(numbers.start, numbers.stop, BATCH):
        with ledger.transaction():
            for submission, task in made(range(begin, min(numbers.stop, begin + BATCH))):
                Receiving.add_submission(ledger, submission, {})
                Dispatch.add_task(ledger, task)


def made(numbers: range) -> Iterator[tuple[Submission, Task]]:
    for number in numbers:
        manifest = Manifest(
            id=str(uuid.uuid4()),
            created=CREATED,
            object=ObjectMessage(sha256=f"{number:064x}", size=number),
            statement=StatementMessage(id="basic", version=1, digest="0" * 64),
            fields={"event.reason": "detection", "file.size": number, "file.name": f"object-{number}.bin"},
            matches=[{"rule.name": "Example", "sampler.rule.severity": "medium"}],
        )
        created = CREATED + timedelta(milliseconds=number)
        tenant = f"tenant-{number % TENANTS}"
        yield (
            Submission(manifest.id, DEVICE, created, msgspec.json.encode(manifest), tenant),
            Task(str(uuid.uuid4()), manifest.id, created, created, priority=number * 7 % 101, tenant=tenant),
        )


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
