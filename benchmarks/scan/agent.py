"""An agent of the bench's own, with the fifty rules and no queue."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scan.launcher import below
from benchmarks.scan.rule_sets import RuleSet
from sampler.cli.demo_lab import Lab


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that answers."""

    socket: Path
    pid: int

    def cpu_seconds(self) -> dict[int, float]:
        """What the agent and each process below it have run so far; to the nanosecond, unlike times in stat(5)."""
        return {pid: _ran_seconds(pid) for pid in (self.pid, *below(self.pid))}


@asynccontextmanager
async def running(bench: Path, rules: RuleSet) -> AsyncIterator[Agent]:
    """An agent with these rules and two children, until the block ends.

    Raises:
        LabError: it does not start.
    """
    folder = bench / "agent"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lab = Lab(folder)
    lab.agent_config.write_text(_settings(lab, rules), "utf-8")
    try:
        await lab.start_agent()
        yield Agent(lab.socket, lab.processes["agent"].pid)
    finally:
        await lab.stop()


def _settings(lab: Lab, rules: RuleSet) -> str:
    state, socket, folder = (json.dumps(str(path)) for path in (lab.folder / "state", lab.socket, rules.folder))
    examine = f"[examine]\nrules = [{folder}]\nshipped_rules = false\nchildren = 2\n"
    return f"state = {state}\nsocket = {socket}\n{examine}"


def _ran_seconds(pid: int) -> float:
    """Time on a processor of all threads of a process (schedstat: nanoseconds run, waited, time slices)."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks.iterdir()) / 1e9
