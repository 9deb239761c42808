"""What is done to a service, and how it is brought back."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from lab.fault_proxy import FaultProxy, any_fault
from lab.load import Load
from sampler.cli.demo_lab import Lab, LabError
from sampler.errors import SamplerError
from sampler.intake import AgentClient
from sampler.model import ObjectState

SERVICES: Final = ("agent", "queue", "worker")
_OBJECTS_A_ROUND: Final = 12
_OBJECTS_A_LINE: Final = 4
_ROUND_SECONDS: Final = 20.0
_RESUME_SECONDS: Final = 60.0
_MOST_DELAY_SECONDS: Final = 0.5


class NoTracer(LabError):
    """strace is not there, or may not trace."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A call of the system that goes wrong once, at its N-th time in a thread (strace, ``--inject``)."""

    service: str
    calls: str
    """``fsync,fdatasync``."""
    effect: str
    """``signal=KILL``, or ``error=EIO``."""
    when: int

    def __str__(self) -> str:
        return f"{self.service}: {self.effect} at {self.calls} {self.when}"

    @property
    def command(self) -> tuple[str, ...]:
        """What the service is started under; it stays a child of ours, and strace does not."""
        inject = f"inject={self.calls}:{self.effect}:when={self.when}"
        return ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={self.calls}", "-e", inject)


def injections(services: tuple[str, ...], effects: tuple[str, ...], whens: range) -> Iterator[Injection]:
    """Every service at every durable step: a file made durable, a name given, a write, an answer."""
    for when in whens:
        for service in services:
            for effect in effects:
                for calls in ("fsync,fdatasync", "rename,renameat,renameat2", "write,pwrite64", "sendto,sendmsg"):
                    if not (effect == "error=ENOSPC" and calls.startswith("send")):
                        yield Injection(service, calls, effect, when)


async def start(lab: Lab, name: str) -> None:
    """Start one service and wait until it is at work."""
    if name == "worker":
        await lab.start_worker()
    elif name == "queue":
        await lab.start_queue()
    else:
        await lab.start_agent()


async def kill_at_random(lab: Lab, load: Load, chance: random.Random) -> tuple[str, float]:
    """SIGKILL one service after a while; which, and the seconds until what had been promised before was delivered."""
    name = chance.choice(SERVICES)
    await asyncio.sleep(chance.random() * _MOST_DELAY_SECONDS)
    promised = list(load.acknowledged)[-1:]
    began = monotonic()
    await _again(lab, name)
    await delivered(lab, promised)
    return name, monotonic() - began


async def inject(lab: Lab, load: Load, injection: Injection) -> bool:
    """Restart a service under a tracer that makes one call fail, give it work, bring it back without; whether it died.

    Raises:
        NoTracer: strace is not there, or may not trace.
    """
    if shutil.which("strace") is None:
        raise NoTracer("strace is not installed; it makes calls of the system fail (apt-get install strace)")
    name = injection.service
    await lab.kill(name)
    lab.under[name] = injection.command
    try:
        await start(lab, name)
        await _work(lab, load, name)
    except LabError as error:  # it fell while it started, which is a moment like any other
        if "ptrace(" in str(error):
            raise NoTracer(f"strace may not trace here (kernel.yama.ptrace_scope, a container): {error}") from error
    finally:
        del lab.under[name]
    died = name not in lab.processes or lab.processes[name].returncode is not None
    await _again(lab, name)
    return died


async def _work(lab: Lab, load: Load, name: str) -> None:
    """Until the service is gone, or has had enough to do."""
    end, enough = monotonic() + _ROUND_SECONDS, len(load.acknowledged) + _OBJECTS_A_ROUND
    while lab.processes[name].returncode is None and len(load.acknowledged) < enough and monotonic() < end:
        await asyncio.sleep(0.05)


@asynccontextmanager
async def proxied(lab: Lab) -> AsyncIterator[FaultProxy]:
    """The agent reaches the queue through a line that can go wrong; at the end directly again."""
    direct = lab.agent_config.read_text()
    async with FaultProxy(lab.hosts_port) as proxy:
        lab.agent_config.write_text(direct.replace(f":{lab.hosts_port}", f":{proxy.port}"))
        await _again(lab, "agent")
        yield proxy
        lab.agent_config.write_text(direct)
        await _again(lab, "agent")


async def break_line(proxy: FaultProxy, load: Load, chance: random.Random) -> None:
    """Cut the line, and let the next one go wrong in some way for as long as a few objects are flagged."""
    fault, enough = any_fault(chance), len(load.acknowledged) + _OBJECTS_A_LINE
    proxy.ask_for = lambda: fault
    await proxy.cut()
    end = monotonic() + _ROUND_SECONDS
    while len(load.acknowledged) < enough and monotonic() < end:
        await asyncio.sleep(0.05)


async def delivered(lab: Lab, promised: list[str]) -> float:
    """Wait until all of these are delivered, or it takes too long; the seconds it took."""
    waits, began = promised.copy(), monotonic()
    while waits and monotonic() - began < _RESUME_SECONDS:
        try:
            async with AgentClient(lab.socket) as client:
                view = await client.show(waits[-1])
        except (OSError, SamplerError):
            view = None
        if view is not None and view.state in {ObjectState.DELIVERED, ObjectState.DUPLICATE}:
            waits.pop()
        else:
            await asyncio.sleep(0.01)
    return monotonic() - began


async def _again(lab: Lab, name: str) -> None:
    await lab.kill(name)
    await start(lab, name)
