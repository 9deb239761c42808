"""How the offer path behaves when several servers share one PostgreSQL ledger, and whether its size matters.

Each server is a process of its own over the same ledger; hosts offer to all of them at once, some of what they offer is
new and most is known. ``--present`` says how many submissions lie in the ledger before the first one. The database is a
throwaway one (of the wheel that the tests use, synced as in earnest), or the one at ``--ledger``, which is filled.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import statistics
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

import psutil
import psycopg

from sampler.identity import SigningKey
from sampler.queue import Queue, QueuePolicy
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_ledger, open_peers
from sampler.wire.codec import encode
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage
from tests.support.postgres import postgres_server

HOSTS_AT_ONCE = 16
KNOWN_PERCENT = 90
CREATED = datetime(2026, 1, 2, tzinfo=UTC)
KNOWN = [hashlib.sha256(b"known %d" % number).hexdigest() for number in range(1000)]

_FILL = """
    INSERT INTO submissions (id, device, received, manifest)
    SELECT 'present-' || n, 'device-' || n % 1000000, n, decode(repeat('7b7d', 1000), 'hex')
    FROM generate_series({first}, {last}) AS n;
    INSERT INTO offered (submission, position, sha256, size)
    SELECT 'present-' || n, 0, encode(sha256(n::text::bytea), 'hex'), 1000 FROM generate_series({first}, {last}) AS n;
    INSERT INTO contents (sha256, size, verified)
    SELECT encode(sha256(n::text::bytea), 'hex'), 1000, n FROM generate_series({first}, {last}) AS n;
    INSERT INTO tenant_contents (tenant, sha256)
    SELECT 'default', encode(sha256(n::text::bytea), 'hex') FROM generate_series({first}, {last}) AS n;
"""
_FILL_AT_ONCE = 100_000


class SharedFolder(FolderBlobs):
    """A folder that all servers of this machine reach; no content comes on the offer path."""

    shared = True


def main() -> None:
    """Run it and print one line for each number of servers."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--present", type=int, default=100_000, help="submissions in the ledger before")
    arguments.add_argument("--offers", type=int, default=1000, help="by each server")
    arguments.add_argument("--servers", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--ledger", help="a database to use instead of a throwaway one")
    asked = arguments.parse_args()
    with _ledger(asked.ledger) as url, tempfile.TemporaryDirectory() as folder:
        SigningKey.create(Path(folder, "key"))
        open_ledger(url).close()
        _fill(url, asked.present)
        print(f"{asked.present} submissions present, {KNOWN_PERCENT} % of the offers known")
        for servers in asked.servers:
            _measure(url, Path(folder), servers, asked.offers)


@contextlib.contextmanager
def _ledger(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with postgres_server(durable=True) as server:
        yield server.database()


def _fill(url: str, present: int) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        for first in range(0, present, _FILL_AT_ONCE):
            last = min(first + _FILL_AT_ONCE, present) - 1
            session.execute(_FILL.format(first=first, last=last).encode())
        session.execute(
            "INSERT INTO contents (sha256, size, verified) SELECT unnest(%s::text[]), 1000, 1 ON CONFLICT DO NOTHING",
            (KNOWN,),
        )
        sql = "INSERT INTO tenant_contents (tenant, sha256) SELECT 'default', unnest(%s::text[]) ON CONFLICT DO NOTHING"
        session.execute(sql, (KNOWN,))
        session.execute("VACUUM ANALYZE")  # what would follow by itself, and be taken for the cost of offers
        session.execute("CHECKPOINT")


def _measure(url: str, folder: Path, servers: int, offers: int) -> None:
    database = _database_seconds()
    with ProcessPoolExecutor(servers, mp_context=get_context("spawn")) as processes:
        ran = [each.result() for each in [processes.submit(_serve, url, folder, offers) for _ in range(servers)]]
    count = servers * offers
    cuts = statistics.quantiles([wait for each in ran for wait in each.waits], n=100)
    print(
        f"{servers} servers: {sum(offers / each.seconds for each in ran):.0f} offers a second, "
        f"p50 {1000 * cuts[49]:.1f} ms, p99 {1000 * cuts[98]:.1f} ms; of processor time each costs "
        f"{1000 * sum(each.cpu_seconds for each in ran) / count:.1f} ms in a server and "
        f"{1000 * (_database_seconds() - database) / count:.1f} ms in the database"
    )


def _database_seconds() -> float:
    """Processor time of all PostgreSQL processes that this bench started, ended ones among them."""
    seconds = 0.0
    for process in psutil.Process().children():
        if process.name().startswith("postgres"):
            times = [process.cpu_times(), *(child.cpu_times() for child in process.children())]
            seconds += sum(each.user + each.system for each in times)
            seconds += times[0].children_user + times[0].children_system
    return seconds


@dataclass(frozen=True, slots=True)
class Ran:
    """What one server measured."""

    seconds: float
    cpu_seconds: float
    waits: list[float]
    """Of each offer, in seconds."""


def _serve(url: str, folder: Path, offers: int) -> Ran:
    return asyncio.run(_offer_all(url, folder, offers))


async def _offer_all(url: str, folder: Path, offers: int) -> Ran:
    queue = Queue(
        open_ledger(url), SharedFolder(folder / "blobs"), SystemClock(), QueuePolicy(),
        signer=SigningKey.load(folder / "key"), peers=open_peers(url),
    )  # fmt: skip
    waits: list[float] = []
    numbers = iter(range(offers))

    async def host(device: str) -> None:
        for number in numbers:
            began = perf_counter()
            await queue.submit(device, encode(_manifest(number)))
            waits.append(perf_counter() - began)

    async with queue:
        began, cpu = perf_counter(), process_time()
        await asyncio.gather(*(host(str(uuid.uuid4())) for _ in range(HOSTS_AT_ONCE)))
        return Ran(perf_counter() - began, process_time() - cpu, waits)


def _manifest(number: int) -> Manifest:
    new = number % 100 >= KNOWN_PERCENT
    sha256 = hashlib.sha256(uuid.uuid4().bytes).hexdigest() if new else KNOWN[number % len(KNOWN)]
    return Manifest(
        id=str(uuid.uuid4()),
        created=CREATED,
        object=ObjectMessage(sha256=sha256, size=1000),
        statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        contents=[ContentMessage(sha256=sha256, size=1000)],
    )


if __name__ == "__main__":
    main()
