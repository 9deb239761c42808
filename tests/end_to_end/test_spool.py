"""What waits on a host, as its operator sees it: encrypted, within its quota, each end by name in the journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import ObjectState, Sampling
from sampler.runtime.durable import write_durably
from sampler.wire.agent_messages import FlagRequest
from tests.support.commands import Said, run

LINE = b"echo this script does no harm, and none of its bytes lies here plain\n"


@pytest.fixture
async def host(bare_lab: Lab) -> Lab:
    """An agent without a queue, whose spool has room for one script of 120 KB and some."""
    settings = f'state = "{bare_lab.folder}/agent"\nsocket = "{bare_lab.socket}"\n'
    spool = "[spool]\nmax_bytes = 200_000\nreserve_bytes = 0\n"
    write_durably(bare_lab.agent_config, (settings + spool).encode())
    await bare_lab.accept("extended")
    await bare_lab.start_agent()
    return bare_lab


async def say(host: Lab, *arguments: str) -> Said:
    """A command with the host's settings, whose lines fit into 80 columns."""
    said = await run(*arguments, "--config", str(host.agent_config))
    assert all(len(line) <= 80 for line in said.out.splitlines() if not line.startswith("{")), said.out
    return said


def script(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_bytes(b"#!/bin/sh\n" + f"# {name}\n".encode() + LINE * (120_000 // len(LINE)))
    return file


def plain_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and LINE in path.read_bytes()]


async def test_a_full_spool_and_its_operator(host: Lab, folder: Path) -> None:
    """What a scanner found drives out what nobody did; it waits encrypted, survives kill -9, and is purged by name."""
    async with AgentClient(host.socket) as client:
        idle = await client.flag(FlagRequest(path=str(script(folder, "idle.sh")), wants=Sampling.WHOLE))
        assert idle.state == ObjectState.SPOOLED
        found = await client.flag(
            FlagRequest(path=str(script(folder, "found.sh")), wants=Sampling.WHOLE, detections=["Example"])
        )
        assert found.state == ObjectState.SPOOLED
        evicted = await client.show(idle.id)
        assert evicted is not None
        assert (evicted.state, "worth less" in evicted.detail) == (ObjectState.EVICTED, True)
    assert plain_files(folder / "agent") == []
    assert len(list((folder / "agent" / "keys").iterdir())) == 1
    await host.kill("agent")
    await host.start_agent()
    async with AgentClient(host.socket) as client:
        told = await client.spool_status()
        assert (told.objects, told.evicted, told.groups[0].group) == (1, 1, f"user {os.geteuid()}")
        assert "1 object" in (await say(host, "spool", "status")).out
        assert "evicted" in (await say(host, "history", idle.id)).out
        purged = await say(host, "spool", "purge", found.id, idle.id)
        assert (purged.code, purged.out) == (3, "1 object taken out\n")
        await client.flag(FlagRequest(path="/etc/hostname"))
        assert (await say(host, "spool", "retry", "--all")).code == 0
        assert (await say(host, "spool", "purge", "--all", "--yes")).out == "1 object taken out\n"
        assert (await client.spool_status()).used_bytes == 0
    assert (await say(host, "reconcile", "--offline")).code == 0
    assert not list((folder / "agent" / "spool" / "contents").glob("*/*"))
