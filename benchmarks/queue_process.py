"""A queue as a process of its own for a bench, and one host that is enrolled at it: real TLS, SQLite, a folder."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from sampler.identity import host_client_context, make_host_key, people_client_context
from sampler.runtime.clock import SystemClock
from sampler.runtime.settings import load_settings
from sampler.server import QueueSettings, create_token, initialize
from sampler.server.settings import UploadSection
from sampler.upload import QueueLink
from sampler.wire.codec import decode, encode
from sampler.wire.messages import EnrollAnswer, EnrollRequest
from sampler.wire.routes import Role

_SERVE = """
import asyncio, os, sys
import msgspec
from sampler.runtime import log
from sampler.server import QueueSettings, serve
log.configure()
settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=QueueSettings)
asyncio.run(serve(settings, started=lambda where: os.write(1, b"%d %d\\n" % (where.hosts[1], where.people[1]))))
"""


@dataclass(frozen=True, slots=True)
class QueueProcess:
    """What runs, and the files of its one host."""

    pid: int
    settings: QueueSettings
    url: str
    host: Path
    """A folder with ``ca``, ``certificate`` and ``key``."""
    people_port: int

    def link(self, host: Path | None = None, connections: int = 8) -> QueueLink:
        """A host's side of it; by default that of its one host."""
        files = ((host or self.host) / name for name in ("ca", "certificate", "key"))
        return QueueLink(self.url, host_client_context(*files), connections=connections)

    def enroll(self, folder: Path) -> Path:
        """One more host, its files in ``folder``."""
        return _enrolled(folder, self.settings, self.people_port)


@contextmanager
def queue_process(folder: Path, object_max_bytes: int) -> Iterator[QueueProcess]:
    """Make a queue in ``folder`` and serve it until the end."""
    settings = _settings(folder / "queue", object_max_bytes)
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(settings) + b"\n")
            process.stdin.flush()
            hosts, people = map(int, process.stdout.readline().split())
            url = f"https://localhost:{hosts}"
            yield QueueProcess(process.pid, settings, url, _enrolled(folder / "host", settings, people), people)
        finally:
            process.kill()


def _settings(folder: Path, object_max_bytes: int) -> QueueSettings:
    here = "127.0.0.1:0"
    yesterday = SystemClock().now() - timedelta(days=1)
    made = initialize(folder, ["localhost"], hosts_listen=here, people_listen=here, now=yesterday)
    uploads = UploadSection(reserve_bytes=0, object_max_bytes=object_max_bytes)
    return msgspec.structs.replace(load_settings(QueueSettings, "queue", made.config, {}), uploads=uploads)


def _enrolled(folder: Path, settings: QueueSettings, port: int) -> Path:
    key = make_host_key()
    token = create_token(settings, Role.ENROLL, name=f"bench-{folder.name}", days=1, now=SystemClock().now())
    tls = people_client_context(settings.authority_folder / "ca.pem")
    connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/enroll", encode(EnrollRequest(csr=key.csr_pem)), headers)
    answer = decode(connection.getresponse().read(), EnrollAnswer)
    connection.close()
    folder.mkdir()
    for name, text in (("key", key.key_pem), ("certificate", answer.certificate), ("ca", answer.ca)):
        os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o600))
        (folder / name).write_text(text)
    return folder
