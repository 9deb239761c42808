"""A whole queue and agent, as processes, in a folder short enough for a Unix socket's path."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.runtime.clock import SystemClock
from sampler.wire.agent_messages import ObjectView
from sampler.worker import PeopleClient, load_client_settings

WAIT_SECONDS = 40.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="smp-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bare_lab(folder: Path) -> AsyncIterator[Lab]:
    """A lab in which nothing runs yet."""
    lab = Lab(folder)
    yield lab
    ended = {name: process.returncode for name, process in lab.processes.items() if process.returncode is not None}
    await lab.stop()
    sys.stdout.write(f"ended by themselves: {ended}\n")
    for log in sorted(folder.glob("*.log")):  # shown with a test that fails
        sys.stdout.write(f"--- {log.name}\n{log.read_text()[-4000:]}\n")


@pytest.fixture(scope="session")
def set_up_lab() -> Iterator[Lab]:
    """A lab whose host has been enrolled and has consent for everything, stopped; others are copied from it."""
    folder = Path(tempfile.mkdtemp(prefix="smp-"))
    made = Lab(folder)
    asyncio.run(_set_up_and_stop(made))
    yield made
    shutil.rmtree(folder)


async def _set_up_and_stop(lab: Lab) -> None:
    try:
        fingerprint = await lab.init_queue()
        await lab.start_queue()
        await lab.enroll(fingerprint)
        await lab.accept("extended")
    finally:
        await lab.stop()


@pytest.fixture
async def lab(bare_lab: Lab, set_up_lab: Lab) -> Lab:
    """A lab with a queue and an agent that has consent for everything."""
    shutil.copytree(set_up_lab.folder, bare_lab.folder, dirs_exist_ok=True)
    places = {
        str(set_up_lab.folder): str(bare_lab.folder),
        str(set_up_lab.hosts_port): str(bare_lab.hosts_port),
        str(set_up_lab.people_port): str(bare_lab.people_port),
    }
    for settings in (bare_lab.queue_config, bare_lab.agent_config, bare_lab.client_config):
        text = settings.read_text()
        for old, new in places.items():
            text = text.replace(old, new)
        settings.write_text(text)
    await bare_lab.start_queue()
    await bare_lab.start_agent()
    return bare_lab


@pytest.fixture
async def agent(lab: Lab) -> AsyncIterator[AgentClient]:
    """The agent's socket."""
    async with AgentClient(lab.socket) as client:
        yield client


@pytest.fixture
async def people(lab: Lab) -> AsyncIterator[PeopleClient]:
    """An analyst at the queue."""
    settings = load_client_settings(lab.client_config, {})
    async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
        yield client


Until = Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]]


@pytest.fixture
def until(lab: Lab) -> Until:
    """Follow an object until something holds of it."""

    async def follow(event_id: str, holds: Callable[[ObjectView], bool]) -> ObjectView:
        clock = SystemClock()
        end = clock.now().timestamp() + WAIT_SECONDS
        async with AgentClient(lab.socket) as client:
            while True:
                view = await client.show(event_id)
                assert view is not None
                if holds(view):
                    return view
                assert clock.now().timestamp() < end, f"still {view.state} ({view.detail}) after {WAIT_SECONDS} s"
                await clock.sleep(0.05)

    return follow
