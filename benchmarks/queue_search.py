"""How long a search takes over many objects: by hash, by beginning, by rule, by two frequent conditions, by likeness.

Each question goes through ``queue.Queue`` as its server asks it, over SQLite, one at a time. Submissions are made in
bulk, with the very terms and bands that the queue would give them; ``--objects`` says how many. A million take some
minutes and three gigabytes of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import shutil
import sqlite3
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import msgspec

from sampler.identity import SigningKey
from sampler.model import SubmissionState
from sampler.queue import Queue, QueuePolicy
from sampler.queue.search_terms import Standing, document_of, terms_of
from sampler.queue.search_tlsh import Digest
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.messages import Manifest, ObjectMessage, StatementMessage
from sampler.wire.search_messages import SearchPage, SearchRequest, Where

QUESTIONS = 400
FEWER_QUESTIONS = 40
BATCH = 20_000
FIRST = datetime(2026, 1, 2, tzinfo=UTC)
DEVICES = tuple(str(uuid.UUID(int=number + 1)) for number in range(100))
COMMON_RULES = 20


async def main(objects: int, folder: Path) -> None:
    began = perf_counter()
    SqliteQueueLedger(folder / "queue.db").close()
    fill(folder / "queue.db", objects)
    size = (folder / "queue.db").stat().st_size
    print(f"{objects:,} objects: {size / 1e9:.1f} GB, made in {perf_counter() - began:.0f} s")
    ledger = SqliteQueueLedger(folder / "queue.db")
    key = SigningKey.create(folder / "key")
    queue = Queue(ledger, FolderBlobs(folder / "blobs"), SystemClock(), QueuePolicy(), signer=key)
    for name, count, question, hits in questions(objects):
        await measure(queue, name, count, question, hits)
    ledger.close()


def questions(objects: int) -> Iterator[tuple[str, int, Callable[[int], SearchRequest], range]]:
    """What is asked, how often, and how many hits are right."""
    any_number = range(100_000)
    yield "SHA-256", QUESTIONS, lambda at: SearchRequest(hash=sha256(at)), range(1, 2)
    yield "SHA-256 that is not there", QUESTIONS, lambda at: SearchRequest(hash=sha256(-1 - at)), range(1)
    yield "MD5", QUESTIONS, lambda at: SearchRequest(hash=md5(at)), range(1, 2)
    yield "first 10 characters", QUESTIONS, lambda at: SearchRequest(hash=sha256(at)[:10]), range(1, 3)
    yield "first 5 characters", FEWER_QUESTIONS, lambda at: SearchRequest(hash=sha256(at)[:5]), any_number
    yield "rule of a twentieth", FEWER_QUESTIONS, lambda at: SearchRequest(where=(rule(at),)), range(50, 51)
    yield (
        "rule and device", FEWER_QUESTIONS,
        lambda at: SearchRequest(where=(rule(at),), device=DEVICES[at % len(DEVICES)]), any_number,
    )  # fmt: skip
    yield "TLSH within 30", FEWER_QUESTIONS, lambda at: SearchRequest(near=changed(at)), range(1, 100)


async def measure(queue: Queue, name: str, count: int, question: Callable[[int], SearchRequest], hits: range) -> None:
    chance = random.Random(name)
    objects = await objects_of(queue)
    taken = []
    for _ in range(count):
        asked = question(chance.randrange(objects))
        began = perf_counter()
        page = await queue.search(asked)
        taken.append(1000 * (perf_counter() - began))
        if len(page.hits) not in hits:
            raise SystemExit(f"{name}: {asked} found {len(page.hits)}")
    taken.sort()
    median, tail = statistics.median(taken), taken[int(0.99 * len(taken))]
    print(f"{name}: p50 {median:.2f} ms, p99 {tail:.2f} ms, highest {taken[-1]:.2f} ms ({count} questions)")


async def objects_of(queue: Queue) -> int:
    page: SearchPage = await queue.search(SearchRequest(limit=1))
    return 1 + int(str(page.hits[0].object.size))


def fill(file: Path, objects: int) -> None:
    """Rows in the order of each table's key, so that a million take minutes and not hours."""
    with sqlite3.connect(file, isolation_level=None) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144", "temp_store = FILE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TEMP TABLE terms (term INTEGER, submission INTEGER)")
        connection.execute("CREATE TEMP TABLE bands (band INTEGER, digest TEXT)")
        connection.execute("DROP INDEX search_terms_by_submission")
        connection.execute("BEGIN")
        for begin in range(0, objects, BATCH):
            add(connection, range(begin, min(objects, begin + BATCH)))
        connection.execute("INSERT OR IGNORE INTO search_terms SELECT * FROM terms ORDER BY term, submission")
        connection.execute("INSERT OR IGNORE INTO search_bands SELECT * FROM bands ORDER BY band, digest")
        connection.execute("CREATE INDEX search_terms_by_submission ON search_terms (submission)")
        connection.execute("COMMIT")
        connection.execute("DROP TABLE temp.terms")
        connection.execute("DROP TABLE temp.bands")
    connection.close()


def add(connection: sqlite3.Connection, numbers: range) -> None:
    submissions, terms, digests, bands = [], [], [], []
    for number in numbers:
        manifest = manifest_of(number)
        standing = Standing(DEVICES[number % len(DEVICES)], "default", SubmissionState.RECEIVING)
        received = FIRST + timedelta(seconds=number)
        document = msgspec.json.encode(manifest)
        submissions.append((number + 1, manifest.id, standing.device, int(1e6 * received.timestamp()), document))
        terms += [(term, number + 1) for term in terms_of(document_of(manifest, standing))]
        digest = Digest.parse(tlsh(number))
        assert digest is not None
        digests.append((number + 1, digest.text, msgspec.json.encode(digest.bands()).decode()))
        bands += [(band, digest.text) for band in digest.bands()]
    insert = "INSERT INTO submissions (number, id, device, received, manifest) VALUES (?, ?, ?, ?, ?)"
    connection.executemany(insert, submissions)
    connection.executemany("INSERT INTO temp.terms VALUES (?, ?)", terms)
    connection.executemany("INSERT INTO search_digests (submission, digest, bands) VALUES (?, ?, ?)", digests)
    connection.executemany("INSERT INTO temp.bands VALUES (?, ?)", bands)


def manifest_of(number: int) -> Manifest:
    return Manifest(
        id=str(uuid.UUID(int=number)),
        created=FIRST,
        object=ObjectMessage(sha256=sha256(number), size=number),
        statement=StatementMessage(id="extended", version=1, digest="0" * 64),
        fields={
            "event.reason": "detection",
            "file.hash.md5": md5(number),
            "file.hash.tlsh": tlsh(number),
            "file.mime_type": "application/vnd.microsoft.portable-executable",
            "file.name": f"object-{number}.exe",
        },
        matches=[{"rule.name": f"Rule_{number % COMMON_RULES}"}],
    )


def sha256(number: int) -> str:
    return hashlib.sha256(f"{number}".encode()).hexdigest()


def md5(number: int) -> str:
    return hashlib.md5(f"{number}".encode(), usedforsecurity=False).hexdigest()


def tlsh(number: int) -> str:
    return "T1" + hashlib.sha512(f"{number}".encode()).hexdigest()[:70].upper()


def changed(number: int) -> str:
    """A digest that is 12 away."""
    codes = bytearray.fromhex(tlsh(number)[2:])
    for place in range(5, 29, 2):
        codes[place] ^= 1
    return "T1" + codes.hex().upper()


def rule(number: int) -> Where:
    return Where(field="rule.name", value=f"Rule_{number % COMMON_RULES}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="Where to put the ledger; default a temporary folder.")
    chosen = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="sampler-bench-", dir=chosen.folder))
    try:
        asyncio.run(main(chosen.objects, place))
    finally:
        shutil.rmtree(place)
