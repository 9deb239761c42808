"""A queue whose ledger and contents are elsewhere, and go away, come back and answer badly."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab.accounting import account
from lab.fault_proxy import Fault, FaultProxy
from lab.load import Load
from sampler.cli.demo_lab import Lab
from tests.support import s3
from tests.support.postgres import PostgresServer, postgres_server

OBJECTS_A_FAULT = 4
WAIT_SECONDS = 120
CUT_SESSIONS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"""
BAD_ANSWERS = (
    Fault(down_bytes=0),
    Fault(down_bytes=100),
    Fault(up_bytes=200),
    Fault(delay_seconds=0.1),
    Fault(bytes_per_second=1 << 14),
    Fault(),
)
"""Of the bucket: its answer is lost after the work, or in its middle; the request is; it is slow; it is well."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="smp-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    """A server that keeps what it committed, of this test's own, for it is ended."""
    with postgres_server(durable=True) as server:
        yield server


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    """The line to an S3 server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    with s3.ministack() as server:
        async with FaultProxy(int(server.endpoint.rpartition(":")[2])) as proxy:
            yield proxy


@pytest.fixture
async def lab(folder: Path, durable_postgres: PostgresServer, bucket: FaultProxy) -> AsyncIterator[Lab]:
    """Queue, agent and worker at work."""
    contents = s3.S3Server(f"http://127.0.0.1:{bucket.port}").url("lab")
    made = Lab(folder, stores=("--ledger", durable_postgres.database(), "--blobs", contents))
    try:
        await made.set_up("extended")
        await made.start_worker()
        yield made
    finally:
        await made.stop()


async def _some_more(load: Load) -> None:
    enough = len(load.acknowledged) + OBJECTS_A_FAULT
    async with asyncio.timeout(WAIT_SECONDS):
        while len(load.acknowledged) < enough:
            await asyncio.sleep(0.05)


@pytest.mark.timeout(900)
async def test_nothing_promised_is_lost_when_far_stores_fail(
    lab: Lab, durable_postgres: PostgresServer, bucket: FaultProxy
) -> None:
    """PostgreSQL is killed, ended in order, and its sessions are cut; the bucket is slow, is cut off, and loses answers
    to what it did: each object is delivered once, with its bytes."""
    chance = random.Random(1)
    load = Load(lab, random.Random(1), lab.folder / "objects")
    async with load.going_on():
        bucket.ask_for = lambda: chance.choice(BAD_ANSWERS)
        await bucket.cut()
        await _some_more(load)
        durable_postgres.execute(CUT_SESSIONS)
        await _some_more(load)
        for kill in (True, False):
            await asyncio.to_thread(durable_postgres.stop, kill=kill)
            await _some_more(load)
            await asyncio.to_thread(durable_postgres.start)
            await _some_more(load)
    bucket.ask_for = Fault
    await bucket.cut()
    sums = await account(lab, load.acknowledged)
    assert sum(bucket.met.values()) > 0
    assert sums.acknowledged >= 6 * OBJECTS_A_FAULT
    assert sums.is_clean, sums
