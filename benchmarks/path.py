"""The whole path on one machine: how long a flag takes, and how many small objects a second are delivered.

Each figure is the median of several rounds, with the lowest and the highest. The queue and the agent are processes of
their own, with real TLS and durable writes, in a throwaway folder.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import ObjectState, Sampling
from sampler.wire.agent_messages import FlagRequest

ROUNDS = 5
FLAGS_A_ROUND = 100
OBJECTS_A_ROUND = 100
AT_ONCE = 8
FILE_BYTES = 64 * 1024


async def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sampler-bench-"))
    lab = Lab(folder)
    try:
        await lab.set_up("extended")
        print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} cores")
        async with AgentClient(lab.socket) as client:
            await measure_flags(client, folder)
            await measure_deliveries(client, folder)
    finally:
        await lab.stop()
        shutil.rmtree(folder)


async def measure_flags(client: AgentClient, folder: Path) -> None:
    file = folder / "object.sh"
    file.write_bytes(b"#!/bin/sh\n" + os.urandom(FILE_BYTES // 2).hex().encode())
    medians, tails = [], []
    for _ in range(ROUNDS):
        taken = sorted([await flag_seconds(client, file) for _ in range(FLAGS_A_ROUND)])
        medians.append(1000 * statistics.median(taken))
        tails.append(1000 * taken[int(0.99 * len(taken))])
    print(f"flag to durable answer, {FILE_BYTES // 1024} KiB, one at a time: p50 {spread(medians)} ms")
    print(f"flag to durable answer, {FILE_BYTES // 1024} KiB, one at a time: p99 {spread(tails)} ms")


async def flag_seconds(client: AgentClient, file: Path) -> float:
    began = perf_counter()
    await client.flag(FlagRequest(path=str(file)))
    return perf_counter() - began


async def measure_deliveries(client: AgentClient, folder: Path) -> None:
    rates = [OBJECTS_A_ROUND / await deliver_seconds(client, folder, number) for number in range(ROUNDS)]
    print(f"flagged, examined and delivered, new content of 16 KiB each, {AT_ONCE} at once: {spread(rates)} a second")


async def deliver_seconds(client: AgentClient, folder: Path, number: int) -> float:
    files = [folder / f"{number}-{index}.sh" for index in range(OBJECTS_A_ROUND)]
    for file in files:
        file.write_bytes(b"#!/bin/sh\n# " + os.urandom(8 * 1024).hex().encode())
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(file: Path) -> str:
        async with gate:
            return (await client.flag(FlagRequest(path=str(file), wants=Sampling.WHOLE))).id

    began = perf_counter()
    waiting = set(await asyncio.gather(*(one(file) for file in files)))
    while waiting:
        page = await client.objects(state=ObjectState.DELIVERED, limit=OBJECTS_A_ROUND)
        waiting -= {view.id for view in page.objects}
    return perf_counter() - began


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    asyncio.run(main())
