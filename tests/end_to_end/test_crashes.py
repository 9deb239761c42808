"""Kill, stop and fill up either end: nothing that was acknowledged is lost, nothing is counted twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.limits import MIB
from sampler.model import ObjectState, Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.worker import PeopleClient

Until = Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]]


def delivered(view: ObjectView) -> bool:
    return view.state in (ObjectState.DELIVERED, ObjectState.DUPLICATE)


def big_script(folder: Path, size: int) -> Path:
    file = folder / "big.sh"
    file.write_bytes(b"#!/bin/sh\n" + os.urandom(size).hex().encode()[:size])
    return file


async def test_agent_killed_after_its_answer_delivers_when_it_is_back(
    lab: Lab, people: PeopleClient, until: Until
) -> None:
    """An acknowledged object survives SIGKILL of the agent while the queue is away."""
    await lab.kill("queue")
    async with AgentClient(lab.socket) as client:
        views = [await client.flag(FlagRequest(path="/etc/hostname", wants=Sampling.WHOLE)) for _ in range(5)]
    assert {view.state for view in views} == {ObjectState.SPOOLED}
    await lab.kill("agent")
    await lab.start_queue()
    await lab.start_agent()
    for view in views:
        await until(view.id, delivered)
    assert len((await people.tasks()).tasks) == 5


async def test_queue_killed_in_the_middle_of_an_upload_resumes(
    lab: Lab, agent: AgentClient, people: PeopleClient, until: Until, folder: Path
) -> None:
    """A content of many chunks arrives whole though the queue was killed on the way, and only once."""
    file = big_script(folder, 48 * MIB)
    view = await agent.flag(FlagRequest(path=str(file), wants=Sampling.WHOLE))
    partial = lab.folder / "queue"

    def begun() -> bool:
        return any(path.stat().st_size > MIB for path in partial.rglob("uploads/*") if path.is_file())

    while not begun() and not delivered(await agent.show(view.id) or view):
        await asyncio.sleep(0)
    await lab.kill("queue")
    await lab.start_queue()
    seen = await until(view.id, delivered)
    (task,) = (await people.tasks()).tasks
    assert task.object.sha256 == view.sha256
    got = folder / "got"
    await people.download(task.contents[0].sha256, task.contents[0].size, got)
    assert got.read_bytes() == file.read_bytes()
    assert seen.sent_bytes < 2 * file.stat().st_size


async def test_child_killed_while_it_holds_an_object_is_replaced(lab: Lab, agent: AgentClient) -> None:
    """After SIGKILL of every examining child the next object is examined as if nothing had happened."""
    import psutil

    nursery, *_ = (
        child
        for child in psutil.Process(lab.processes["agent"].pid).children(recursive=True)
        if any("nursery" in word for word in child.cmdline()) and child.children()
    )
    for child in nursery.children():
        os.kill(child.pid, signal.SIGKILL)
    states = {(await agent.flag(FlagRequest(path="/etc/hostname"))).state for _ in range(3)}
    assert ObjectState.SPOOLED in states
    assert states <= {ObjectState.SPOOLED, ObjectState.DELIVERED, ObjectState.DUPLICATE, ObjectState.FAILED}


async def test_a_stranger_with_another_ca_is_refused_and_told_so(lab: Lab, folder: Path) -> None:
    """A host of another queue gets nowhere; what it says names the certificate, and its objects wait."""
    other = Lab(folder / "other")
    (folder / "other").mkdir()
    try:
        fingerprint = await other.init_queue()
        await other.start_queue()
        await other.enroll(fingerprint)
        await other.command("consent", "accept", "basic", "--by", "x", "--config", str(other.agent_config))
        text = other.agent_config.read_text().replace(str(other.hosts_port), str(lab.hosts_port))
        other.agent_config.write_text(text)
        await other.start_agent()
        async with AgentClient(other.socket) as client:
            view = await client.flag(FlagRequest(path="/etc/hostname"))
            while (status := await client.status()).queue_reachable is None:
                await asyncio.sleep(0.05)
            assert status.queue_reachable is False
            assert "certificate" in status.queue_detail
            seen = await client.show(view.id)
            assert seen is not None
            assert seen.state == ObjectState.SPOOLED
    finally:
        await other.stop()
