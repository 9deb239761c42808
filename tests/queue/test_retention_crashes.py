"""Retention over real files, killed at each of its steps."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from sampler.identity import SigningKey
from sampler.queue import Body, Queue, QueuePolicy, RetentionPolicy
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest
from sampler.wire.rollup_messages import Dimension
from sampler.wire.search_messages import SearchRequest

DATA = b"its time is over"
AT_ONCE = QueuePolicy(retention=RetentionPolicy(contents_days=0, records_days=0))

_DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from sampler.identity import SigningKey
from sampler.queue import Queue, QueuePolicy, RetentionPolicy
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger

folder, step = Path(sys.argv[1]), sys.argv[2]
owner, name, before = {
    "giving up": (SqliteQueueLedger, "add_doomed", False),
    "ending": (SqliteQueueLedger, "end_submission", False),
    "given up": (FolderBlobs, "destroy", True),
    "forgetting": (SqliteQueueLedger, "remove_doomed", True),
}[step]
real = getattr(owner, name)

def dying(self, *values):
    if not before:
        real(self, *values)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dying)

async def run():
    ledger, blobs = SqliteQueueLedger(folder / "queue.db"), FolderBlobs(folder / "blobs")
    policy = QueuePolicy(retention=RetentionPolicy(contents_days=0, records_days=0))
    key = SigningKey.load(folder / "receipt.key")
    async with Queue(ledger, blobs, SystemClock(), policy, signer=key) as queue:
        await queue.run_retention()

asyncio.run(run())
"""


@pytest.mark.parametrize("step", ["giving up", "given up", "ending", "forgetting"])
async def test_killed_at_each_step(
    tmp_path: Path,
    step: str,
    signing_key: SigningKey,
    make_manifest: Callable[..., Manifest],
    body: Callable[..., Body],
    device: str,
) -> None:
    """The next run ends it: no content, no byte of the manifest in any file; the receipt and one count stay."""
    manifest = make_manifest(DATA)
    sha256 = manifest.object.sha256
    secret = sha256[:8] + "-the-name-of-somebody"
    manifest = msgspec.structs.replace(manifest, fields={"file.name": secret})
    blobs = FolderBlobs(tmp_path / "blobs")

    def make() -> Queue:
        return Queue(SqliteQueueLedger(tmp_path / "queue.db"), blobs, SystemClock(), AT_ONCE, signer=signing_key)

    async with make() as queue:
        await queue.submit(device, encode(manifest))
        upload = await queue.create_upload(device, manifest.id, sha256, len(DATA))
        await queue.append(device, upload.id, 0, body(DATA))
        while (await queue.search(SearchRequest())).behind:
            await asyncio.sleep(0)
    arguments = [sys.executable, "-c", _DYING, str(tmp_path), step]
    process = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.PIPE, env=dict(os.environ))
    _, complained = await process.communicate()
    assert process.returncode == -signal.SIGKILL, complained.decode()
    async with make() as queue:
        if step == "giving up":
            assert blobs.has(sha256)
        await queue.run_retention()
        assert not blobs.has(sha256)
        assert (await queue.retention()).to_destroy == 0
        assert (await queue.search(SearchRequest())).hits == ()
        assert len((await queue.receipts(device, 0, 0)).receipts) == 1
        counted = await queue.rollups(date.min, date.max, dimension=Dimension.ALL)
        assert [(line.objects, line.bytes) for line in counted.lines] == [(1, len(DATA))]
    for file in tmp_path.glob("queue.db*"):
        assert secret.encode() not in file.read_bytes(), file
