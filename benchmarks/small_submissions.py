"""Many small submissions: the agent's link to a queue, beside tuspy to npm's @tus/server; and known ones.

Ours are offered, brought, verified, receipted and durable; the peer's are only in files. Both ends run on this machine.
A round of the peer has ``--peers`` contents, since it takes so long; rates are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import perf_counter

from benchmarks.deliveries import content_of, deliver
from benchmarks.queue_process import QueueProcess, queue_process
from benchmarks.scan.figures import Spread, ratio
from benchmarks.scan.table import Figure, machine, printed
from sampler.limits import KIB, MIB
from sampler.upload import QueueLink
from tests.support import node_packages

SIZE = 16 * KIB
AT_ONCE = 64
PEERS_AT_ONCE = 8
TUSPY = """
import io, os, sys
from concurrent.futures import ThreadPoolExecutor
from tusclient.client import TusClient

url, certificate, key, count, at_once, size = sys.argv[1:]

def bring(_):
    client = TusClient(url, client_cert=(certificate, key))
    data = io.BytesIO(os.urandom(int(size)))
    client.uploader(file_stream=data, metadata={"name": "x"}, chunk_size=1 << 20).upload()

with ThreadPoolExecutor(int(at_once)) as pool:
    list(pool.map(bring, range(int(count))))
"""


async def main(count: int, peers: int, rounds: int) -> None:
    new, known, theirs = [], [], []
    with (
        tempfile.TemporaryDirectory(prefix="sampler-bench-") as made,
        queue_process(Path(made), MIB) as queue,
        tus_server(queue, Path(made)) as url,
    ):
        for _ in range(rounds):
            bodies = [os.urandom(SIZE) for _ in range(count)]
            new.append(1000 * await seconds(queue, bodies) / count)
            theirs.append(1000 * tuspy_seconds(queue, url, peers) / peers)
            known.append(1000 * await seconds(queue, bodies) / count)
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="; ")
    print(printed(figures(new, known, theirs)))


def figures(new: Sequence[float], known: Sequence[float], theirs: Sequence[float]) -> list[Figure]:
    """In milliseconds a submission: 2 are 500 a second."""
    row = "small submissions"
    beside = Figure(
        row=row, unit="ms", what="new, 16 KiB, beside tuspy", ours=Spread.of(new), theirs=Spread.of(theirs),
        ratio=ratio(new, theirs), ratio_max=1 / 5, raw={"ours": new, "theirs": theirs},
    )  # fmt: skip
    alone = Figure(row=row, unit="ms", what="new, 16 KiB", ours=Spread.of(new), ours_max=1000 / 500)
    again = Figure(row=row, unit="ms", what="known", ours=Spread.of(known), ours_max=1000 / 2000, raw={"ours": known})
    return [beside, alone, again]


async def seconds(queue: QueueProcess, bodies: Sequence[bytes]) -> float:
    """To deliver them all, some at once."""
    left = iter(bodies)
    began = perf_counter()
    async with queue.link() as link:
        await asyncio.gather(*(_deliver_each(link, left) for _ in range(AT_ONCE)))
    return perf_counter() - began


async def _deliver_each(link: QueueLink, left: Iterator[bytes]) -> None:
    for body in left:

        def opened(body: bytes = body) -> BytesIO:
            return BytesIO(body)

        await deliver(link, content_of(opened), opened)


def tuspy_seconds(queue: QueueProcess, url: str, count: int) -> float:
    """To bring so many contents of its own, some at once; the start of Python is counted, and small beside."""
    files = [str(queue.host / name) for name in ("certificate", "key")]
    environment = os.environ | {"REQUESTS_CA_BUNDLE": str(queue.host / "ca"), "NO_PROXY": "*"}
    began = perf_counter()
    arguments = [url, *files, str(count), str(PEERS_AT_ONCE), str(SIZE)]
    subprocess.run([sys.executable, "-c", TUSPY, *arguments], check=True, env=environment)
    return perf_counter() - began


@contextmanager
def tus_server(queue: QueueProcess, folder: Path) -> Iterator[str]:
    """npm's @tus/server with a folder of its own and the same certificates."""
    (folder / "tus").mkdir()
    node = node_packages.installed()
    settings = queue.settings
    files = (settings.certificate, settings.key, settings.authority_folder / "ca.pem")
    command = node.command("tus_server.mjs", str(folder / "tus"), "0", *map(str, files))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=node.folder) as process:
        assert process.stdout is not None
        try:
            yield f"https://localhost:{int(process.stdout.readline())}/v1/uploads"
        finally:
            process.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    asyncio.run(main(asked.count, asked.peers, asked.rounds))
