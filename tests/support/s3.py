"""S3 servers on loopback: one that knows conditions and checks no signature, and one the other way round."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

_START_SECONDS = 60
BUCKET = "contents"
KEY, SECRET = "sampler-tests", "a secret of the tests only"


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket."""

    endpoint: str

    def url(self, prefix: str) -> str:
        """Of a place in the bucket."""
        return f"s3://{BUCKET}/{prefix}?" + urlencode({"endpoint": self.endpoint, "region": "us-east-1"})

    def keep_versions(self) -> None:
        """From now on the bucket keeps what is overwritten and removed."""
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        _ask(int(self.endpoint.rpartition(":")[2]), "PUT", f"/{BUCKET}?versioning", body)


@contextlib.contextmanager
def ministack() -> Iterator[S3Server]:
    """Everything in memory; takes any signature."""
    port = _free_port()
    environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "SERVICES": "s3"}
    with _running([sys.executable, "-m", "ministack"], port, environment):
        _ask(port, "PUT", f"/{BUCKET}")
        yield S3Server(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def nanio() -> Iterator[S3Server]:
    """Buckets are folders; every request's signature is checked."""
    port, folder = _free_port(), Path(tempfile.mkdtemp(prefix="sampler-s3-"))
    environment = {"NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET}
    program = [sys.executable, "-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(port)]
    try:
        (folder / BUCKET).mkdir()
        with _running([*program, "--data-dir", str(folder), "--no-access-log"], port, environment):
            yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(program: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(program, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            until = time.monotonic() + _START_SECONDS
            while not _answers(port):
                log.seek(0)
                assert process.poll() is None, log.read()
                assert time.monotonic() < until, "the S3 server does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        _ask(port, "GET", "/")
        return True
    return False


def _ask(port: int, method: str, path: str, body: bytes | None = None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        connection.getresponse().read()
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
