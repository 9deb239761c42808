"""docs/protocol.md is enough: a client of a hundred lines, and curl, deliver to a real queue."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.wire.messages import LeaseRequest
from sampler.worker import PeopleClient, load_client_settings

CLIENT = Path(__file__).parents[1] / "protocol" / "client.py"


async def said(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def identity(lab: Lab) -> tuple[str, str, str]:
    """CA, certificate and key of the lab's host."""
    folder = lab.folder / "agent" / "identity"
    return str(folder / "ca.pem"), str(folder / "host.pem"), str(folder / "host.key")


@pytest.fixture
async def enrolled(bare_lab: Lab) -> Lab:
    """A queue at which a host is enrolled; no agent runs."""
    fingerprint = await bare_lab.init_queue()
    await bare_lab.start_queue()
    await bare_lab.enroll(fingerprint)
    return bare_lab


def test_the_client_knows_the_standard_library_only() -> None:
    """And has about a hundred lines, as its description promises."""
    source = CLIENT.read_text()
    modules = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules <= sys.stdlib_module_names
    assert len(source.splitlines()) <= 120


@contextlib.asynccontextmanager
async def people_of(lab: Lab) -> AsyncIterator[PeopleClient]:
    settings = load_client_settings(lab.client_config, {})
    async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
        yield client


@pytest.mark.parametrize("size", [0, 1000, 20_000_000])
async def test_a_client_of_a_hundred_lines(enrolled: Lab, folder: Path, size: int) -> None:
    """What it delivers is queued, and an analyst gets the same bytes."""
    file = folder / "object"
    file.write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
    url = f"https://127.0.0.1:{enrolled.hosts_port}"
    submission, state = (await said(sys.executable, str(CLIENT), url, *identity(enrolled), str(file))).split()
    assert state == "queued"
    async with people_of(enrolled) as people:
        lease = await people.lease(LeaseRequest(worker="ann"))
        assert lease is not None
        assert lease.task.submission == submission
        (content,) = lease.task.contents
        await people.download(content.sha256, content.size, folder / "got")
    assert (folder / "got").read_bytes() == file.read_bytes()


async def test_curl_by_hand(enrolled: Lab, folder: Path) -> None:
    """The commands of docs/protocol.md, one after the other."""
    ca, certificate, key = identity(enrolled)
    url = f"https://127.0.0.1:{enrolled.hosts_port}"
    curl = ("curl", "--silent", "--show-error", "--fail-with-body", "--cacert", ca, "--cert", certificate, "--key", key)
    content = b"a harmless content"
    digest = hashlib.sha256(content).hexdigest()
    (folder / "content").write_bytes(content)
    manifest = {
        "id": "2f1d9b56-0c7b-4b6f-9f49-7f2f7d1f0c11", "created": "2026-11-25T12:00:00Z",
        "object": {"sha256": digest, "size": len(content)}, "contents": [{"sha256": digest, "size": len(content)}],
        "statement": {"id": "mine", "version": 1, "digest": "0" * 64},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    offered = await said(
        *curl,
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        f"@{folder}/manifest.json",
        f"{url}/v1/submissions",
    )
    assert json.loads(offered)["wanted"] == [digest]
    named = "submission MmYxZDliNTYtMGM3Yi00YjZmLTlmNDktN2YyZjdkMWYwYzEx"
    sha256 = (await said("sh", "-c", f"printf %s {digest} | base64 -w0")).strip()
    headers = (
        "Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream", f"Upload-Length: {len(content)}",
        f"Upload-Metadata: {named},sha256 {sha256}",
    )  # fmt: skip
    options = [word for header in headers for word in ("-H", header)]
    created = await said(*curl, "-i", *options, "--data-binary", f"@{folder}/content", f"{url}/v1/uploads")
    assert f"Upload-Offset: {len(content)}" in created
    view = json.loads(await said(*curl, f"{url}/v1/submissions/{manifest['id']}"))
    assert view["state"] == "queued"
