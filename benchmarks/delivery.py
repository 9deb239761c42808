"""One large content over TLS 1.3 with a client certificate: the agent's uploader to a queue, and curl to nginx.

Both write to the same disk. Ours ends when the queue has verified the content and it is durable; the peer's ends behind
``sync -f`` of what nginx wrote, whose bytes nobody has looked at. ``--memory`` measures instead how much more memory
both ends of ours take for 4 GB than for 1 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.deliveries import content_of, deliver
from benchmarks.queue_process import QueueProcess, queue_process
from benchmarks.scan.figures import Spread, ratio
from benchmarks.scan.table import Figure, machine, printed
from sampler.limits import GIB, MIB

ROUNDS = 5
BAR = 1 / 0.7
"""What our time may be of the peer's: 0.7 of its throughput."""
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body;
  server {{
    listen 127.0.0.1:{port} ssl; root {folder}/dav; dav_methods PUT;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    ssl_client_certificate {ca}; ssl_verify_client on;
  }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--at", type=Path, help="a folder on the disk to use")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sampler-bench-", dir=asked.at) as made:
        folder = Path(made)
        with queue_process(folder, 4 * GIB) as queue:
            if asked.memory:
                measure_memory(queue, folder)
            elif shutil.which("nginx") and shutil.which("curl"):
                measure_times(queue, folder, asked.megabytes, asked.rounds)
            else:
                print("delivery: left out, it needs: apt-get install nginx-light curl")


def measure_times(queue: QueueProcess, folder: Path, megabytes: int, rounds: int) -> None:
    source = folder / "source"
    ours, theirs = [], []
    with nginx(queue, folder) as url:
        for number in range(rounds + 1):
            source.write_bytes(os.urandom(megabytes * MIB))
            mine, other = upload_seconds(queue, source), curl_seconds(queue, folder, source, url)
            if number:  # the first warms both up
                ours.append(mine)
                theirs.append(other)
    figure = Figure(
        row="delivery", what=f"{megabytes} MB, verified and durable", unit="s", ours=Spread.of(ours),
        theirs=Spread.of(theirs), ratio=ratio(ours, theirs), ratio_max=BAR, raw={"ours": ours, "theirs": theirs},
    )  # fmt: skip
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="; ")
    print(printed([figure]))


def upload_seconds(queue: QueueProcess, source: Path) -> float:
    """From the offer to durable; the hash is made before, as the agent makes it while it takes its snapshot."""
    content = content_of(lambda: source.open("rb"))

    async def run() -> float:
        async with queue.link() as link:
            began = perf_counter()
            await deliver(link, content, lambda: source.open("rb"))
            return perf_counter() - began

    return asyncio.run(run())


def curl_seconds(queue: QueueProcess, folder: Path, source: Path, url: str) -> float:
    files = {"--cacert": "ca", "--cert": "certificate", "--key": "key"}
    options = [text for option, name in files.items() for text in (option, str(queue.host / name))]
    began = perf_counter()
    subprocess.run(["curl", "--silent", "--fail", *options, "--upload-file", str(source), f"{url}/file"], check=True)
    subprocess.run(["sync", "-f", str(folder / "dav" / "file")], check=True)
    took = perf_counter() - began
    (folder / "dav" / "file").unlink()
    return took


@contextmanager
def nginx(queue: QueueProcess, folder: Path) -> Iterator[str]:
    """One that takes files by PUT."""
    (folder / "dav").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    settings = queue.settings
    text = NGINX.format(
        folder=folder,
        port=port,
        certificate=settings.certificate,
        key=settings.key,
        ca=settings.authority_folder / "ca.pem",
    )
    (folder / "nginx.conf").write_text(text)
    folder.chmod(0o755)
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait_for(port)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > end:
                raise
        else:
            return


UPLOAD = """
import asyncio, sys
from pathlib import Path
from benchmarks.delivery import peak_bytes
from benchmarks.deliveries import content_of, deliver
from sampler.identity import host_client_context
from sampler.upload import QueueLink

async def main(url, host, source):
    tls = host_client_context(*(Path(host, name) for name in ("ca", "certificate", "key")))
    content = content_of(lambda: open(source, "rb"))
    async with QueueLink(url, tls) as link:
        await deliver(link, content, lambda: open(source, "rb"))
    print(peak_bytes("self"))

asyncio.run(main(*sys.argv[1:]))
"""


def measure_memory(queue: QueueProcess, folder: Path) -> None:
    """Holes cost no disk at the source; their bytes travel, and are written at the queue."""
    peaks = []
    for size in (MIB, MIB + 1, 4 * GIB):
        source = folder / "source"
        with source.open("wb") as file:
            file.truncate(size)
        Path(f"/proc/{queue.pid}/clear_refs").write_text("5")
        ran = subprocess.run(
            [sys.executable, "-c", UPLOAD, queue.url, str(queue.host), str(source)], check=True, stdout=subprocess.PIPE
        )
        peaks.append((int(ran.stdout), peak_bytes(str(queue.pid))))
    for end, few, many in zip(("uploader", "queue"), peaks[1], peaks[2], strict=True):
        more = (many - few) / 1e6
        verdict = "ok" if more <= 20 else "NOT"
        print(f"{end}: {few / 1e6:.0f} MB for 1 MB, {many / 1e6:.0f} MB for 4 GB: {more:.1f} more, {verdict} <= 20")


def peak_bytes(process: str) -> int:
    """The most memory that a process had since it began, or since its ``clear_refs``."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"process {process} has no VmHWM")


if __name__ == "__main__":
    main()
