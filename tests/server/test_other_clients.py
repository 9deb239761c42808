"""Clients of others deliver to this server: tus-js-client and tuspy, each killed in the middle, and the server too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampler.server import Listening, QueueSettings
from sampler.storage.opening import open_blobs
from sampler.wire.messages import Manifest
from tests.support import node_packages

Call = Callable[..., Awaitable[Any]]
Identity = tuple[str, ssl.SSLContext]
SIZE = 24 << 20
DIE_AFTER = 9 << 20
TUSPY = Path(node_packages.__file__).parent / "tuspy_client.py"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a client is to deliver."""

    endpoint: str
    identity: Path
    file: Path
    metadata: str


def _tus_js_client(errand: Errand, url: str, *, killed: bool) -> tuple[list[str], dict[str, Any]]:
    node = node_packages.installed()
    ca, certificate, key = (str(errand.identity / name) for name in ("ca", "certificate", "key"))
    arguments = (errand.endpoint, ca, certificate, key, str(errand.file), errand.metadata, url)
    return node.command("tus_client.mjs", *arguments, str(DIE_AFTER if killed else SIZE * 2)), {"cwd": node.folder}


def _tuspy(errand: Errand, url: str, *, killed: bool) -> tuple[list[str], dict[str, Any]]:
    certificate, key = (str(errand.identity / name) for name in ("certificate", "key"))
    arguments = [errand.endpoint, certificate, key, str(errand.file), errand.metadata, url]
    environment = os.environ | {"REQUESTS_CA_BUNDLE": str(errand.identity / "ca"), "NO_PROXY": "*"}
    return [sys.executable, str(TUSPY), *arguments, str(DIE_AFTER >> 20 if killed else 0)], {"env": environment}


async def _run(command: list[str], options: dict[str, Any]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, **options
    )
    said, complaint = await process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), complaint.decode()
    return process.returncode, said.decode().partition("\n")[0]


@pytest.mark.parametrize("client", [_tus_js_client, _tuspy], ids=["tus-js-client", "tuspy"])
@pytest.mark.parametrize("service", ["process"], indirect=True)
async def test_a_client_that_is_killed_goes_on(
    client: Callable[..., tuple[list[str], dict[str, Any]]],
    host: Call,
    host_tls: Identity,
    where: Callable[[], Listening],
    restart: Callable[[], Awaitable[None]],
    make_manifest: Callable[[bytes], Manifest],
    settings: QueueSettings,
    tmp_path: Path,
) -> None:
    """Killed in the middle of a content, with the server killed after it, it ends what it began; no byte is lost."""
    data = os.urandom(SIZE)
    manifest = make_manifest(data)
    assert (await host("POST", "/v1/submissions", message=manifest)).status == 201
    (tmp_path / "file").write_bytes(data)
    metadata = json.dumps({"submission": manifest.id, "sha256": manifest.object.sha256})

    def errand() -> Errand:
        endpoint = f"https://localhost:{where().hosts[1]}/v1/uploads"
        return Errand(endpoint, tmp_path / host_tls[0], tmp_path / "file", metadata)

    status, url = await _run(*client(errand(), "", killed=True))
    assert status == -signal.SIGKILL
    await restart()
    path = url[url.index("/v1/uploads") :]
    head = await host("HEAD", path, headers={"Tus-Resumable": "1.0.0"})
    assert 0 < int(head.headers["Upload-Offset"]) < SIZE
    status, _ = await _run(*client(errand(), errand().endpoint.removesuffix("/v1/uploads") + path, killed=False))
    assert status == 0
    assert b'"queued"' in (await host("GET", f"/v1/submissions/{manifest.id}")).body
    with open_blobs(settings.blobs_url).open_content(manifest.object.sha256) as file:
        assert file.read() == data
