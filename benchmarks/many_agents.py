"""Many agents at once at one queue: how long each waits for an answer, and what memory the queue takes for them.

All agents run in this process, each with a certificate and a connection of its own; both ends share the cores. Each
delivers some contents of 16 KiB, new ones, as fast as the queue takes them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from time import perf_counter

from benchmarks.deliveries import content_of, deliver
from benchmarks.delivery import peak_bytes
from benchmarks.queue_process import QueueProcess, queue_process
from benchmarks.scan.figures import percentile
from benchmarks.scan.table import machine
from sampler.limits import KIB, MIB
from sampler.upload import QueueLink

SIZE = 16 * KIB
DELIVERIES = 5
"""Of each agent."""


async def main(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most, most)
    )  # a connection is a file, at the queue that inherits it too
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="; ")
    with tempfile.TemporaryDirectory(prefix="sampler-bench-") as made, queue_process(Path(made), MIB) as queue:
        hosts = [queue.enroll(Path(made) / f"host-{number}") for number in range(count)]
        before = peak_bytes(str(queue.pid))
        began = perf_counter()
        taken = [seconds for each in await asyncio.gather(*(agent(queue, host) for host in hosts)) for seconds in each]
        rate = len(taken) / (perf_counter() - began)
        print(f"{count} agents, {len(taken)} deliveries of {SIZE // KIB} KiB: {rate:.0f} a second; {tails(taken)}")
        after = peak_bytes(str(queue.pid))
        each = (after - before) / count / 1e3
        print(f"queue: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB at most, {each:.0f} KB an agent")


async def agent(queue: QueueProcess, host: Path) -> list[float]:
    """What each of its deliveries took; the first one connects."""
    async with queue.link(host, connections=1) as link:
        return [await delivery_seconds(link) for _ in range(DELIVERIES)]


async def delivery_seconds(link: QueueLink) -> float:
    body = os.urandom(SIZE)
    content = content_of(lambda: BytesIO(body))
    began = perf_counter()
    await deliver(link, content, lambda: BytesIO(body))
    return perf_counter() - began


def tails(seconds: Sequence[float]) -> str:
    return ", ".join(f"p{share * 100:g} {1000 * percentile(seconds, share):.0f} ms" for share in (0.5, 0.9, 0.99, 1.0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    asyncio.run(main(parser.parse_args().agents))
