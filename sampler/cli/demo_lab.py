"""A queue, an agent and a worker as processes in a throwaway folder, set up with the commands that people use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sampler.errors import AgentUnreachable, SamplerError
from sampler.intake import AgentClient
from sampler.runtime.clock import SystemClock
from sampler.runtime.durable import write_durably

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05


class LabError(SamplerError):
    """A part of the demo did not start; the message holds what it said."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Lab:
    """The processes of one demo and where they keep things."""

    folder: Path
    hosts_port: int = field(default_factory=_free_port)
    people_port: int = field(default_factory=_free_port)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    stores: tuple[str, ...] = ()
    """Where the queue keeps ledger and contents, as options of ``queue init``; its own folder if empty."""
    under: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By service, a command that starts it in place of the shell: a tracer, a limit."""

    @property
    def queue_config(self) -> Path:
        """The queue's settings."""
        return self.folder / "queue" / "queue.toml"

    @property
    def agent_config(self) -> Path:
        """The agent's settings."""
        return self.folder / "agent.toml"

    @property
    def client_config(self) -> Path:
        """An analyst's profile."""
        return self.folder / "client.toml"

    @property
    def socket(self) -> Path:
        """The agent's socket."""
        return self.folder / "agent.sock"

    @property
    def people_url(self) -> str:
        """Where people, workers and enrolment reach the queue."""
        return f"https://127.0.0.1:{self.people_port}"

    async def set_up(self, statement: str, region: str = "world") -> None:
        """Queue, enrolment, consent, agent; returns when the agent answers."""
        fingerprint = await self.init_queue()
        await self.start_queue()
        await self.enroll(fingerprint)
        await self.accept(statement, region)
        await self.start_agent()

    async def init_queue(self) -> str:
        """Create the queue; its CA's fingerprint."""
        listen = (
            *("--hosts-listen", f"127.0.0.1:{self.hosts_port}"),
            *("--people-listen", f"127.0.0.1:{self.people_port}"),
        )
        said = await self.command(
            "queue", "init", "--state", str(self.folder / "queue"), "--name", "127.0.0.1", *listen, *self.stores
        )
        return next(word for word in said.split() if word.startswith("sha256:"))

    async def start_queue(self) -> None:
        """Start the queue and wait until it listens."""
        await self.start("queue", "queue", "serve", "--config", str(self.queue_config))
        await self._until("queue", self._queue_listens)

    async def enroll(self, fingerprint: str) -> None:
        """Give the agent its identity and an analyst a profile."""
        queue = ("--config", str(self.queue_config))
        agent = f'state = "{self.folder}/agent"\nsocket = "{self.socket}"\n'
        write_durably(self.agent_config, agent.encode(), mode=0o644)
        token = await self.command("queue", "tokens", "create", "--role", "enroll", "--name", "demo", *queue)
        where = ("--url", self.people_url, "--ca-fingerprint", fingerprint, "--config", str(self.agent_config))
        await self.command("agent", "enroll", *where, SAMPLER_ENROLL_TOKEN=token.strip())
        profile = ("--profile", str(self.client_config), "--url", self.people_url)
        await self.command(
            "queue", "tokens", "create", "--role", "analyst", "--raw", "--name", "demo", *profile, *queue
        )

    async def accept(self, statement: str, region: str = "world") -> None:
        """Give consent for everything of a shipped statement."""
        accepted = ("accept", statement, "--region", region, "--by", "demo")
        await self.command("consent", *accepted, "--config", str(self.agent_config))

    async def start_agent(self) -> None:
        """Start the agent and wait until it answers."""
        await self.start("agent", "agent", "run", "--config", str(self.agent_config))
        await self._until("agent", self._agent_answers)

    async def start_worker(self) -> None:
        """Start a worker that concludes from the severity of the rules."""
        await self.start("worker", "worker", "run", "--name", "demo", "--config", str(self.client_config))

    async def command(self, *arguments: str, **environment: str) -> str:
        """Run one ``sampler`` command to its end; its standard output.

        Raises:
            LabError: it ended with another exit code than 0.
        """
        process = await asyncio.create_subprocess_exec(
            *_sampler(*arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(environment),
        )
        said, complained = await process.communicate()
        if process.returncode != 0:
            why = (complained or said).decode()
            raise LabError(f"sampler {' '.join(arguments[:3])} ended with {process.returncode}: {why}")
        return said.decode()

    async def start(self, name: str, *arguments: str) -> None:
        """Start a service, under ``self.under`` if it is named there; what it logs goes to ``NAME.log``."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *self.under.get(name, ()),
                *_sampler(*arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment({}),
                start_new_session=True,
            )

    async def _queue_listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.people_port)
        except OSError:
            return False
        writer.close()
        return True

    async def _agent_answers(self) -> bool:
        try:
            async with AgentClient(self.socket) as client:
                await client.status()
        except AgentUnreachable:
            return False
        return True

    async def _until(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        clock = SystemClock()
        end = clock.now().timestamp() + _START_SECONDS
        while not await answers():
            if self.processes[name].returncode is not None or clock.now().timestamp() > end:
                raise LabError(f"the {name} did not start:\n{(self.folder / f'{name}.log').read_text()[-2000:]}")
            await clock.sleep(_POLL_SECONDS)

    async def kill(self, name: str) -> None:
        """End a service as a power cut would: SIGKILL."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            process.kill()
        await process.wait()

    async def stop(self) -> None:
        """End every process that was started, the last one first."""
        for process in reversed(self.processes.values()):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes.values()):
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


def _sampler(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "sampler", *arguments)


def _environment(more: dict[str, str]) -> dict[str, str]:
    """The environment without settings for other agents and queues."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLER_")}
    return {**kept, **more}
