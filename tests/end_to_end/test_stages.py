"""Several analyzers for one object, as programs under ``sampler worker run``, and what a person does about tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import Conclusion
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.worker import PeopleClient

Until = Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]]
STAGES = """
[[tasks.stages]]
kind = "static"

[[tasks.stages]]
kind = "sandbox"
only_after = ["malicious", "suspicious"]
"""
SANDBOX = """#!/bin/sh
test -r "$1" && printf '{"conclusion": "malicious", "score": 99, "family": "Example"}'
"""


@pytest.mark.timeout(300)  # a queue is started twice, and three programs run one after the other
async def test_an_object_goes_from_analyzer_to_analyzer(
    lab: Lab, people: PeopleClient, until: Until, samples: Path, folder: Path
) -> None:
    """The rules' verdict lets the sandbox begin, and the host gets both together."""
    await lab.kill("queue")
    with lab.queue_config.open("a") as settings:
        settings.write(STAGES)
    await lab.start_queue()
    (sample,) = (path for path in (samples / "script/shell-downloader").iterdir() if path.name != "expected.json")
    event = await _flag(lab, sample)
    await until(event.id, lambda view: view.state == "delivered")
    await _work(lab, "static", "--analyzer", "rules")
    (task,) = (await people.tasks()).tasks
    assert (task.stage, task.stages[0].verdict and task.stages[0].verdict.analyzer) == (1, "rules")
    program = folder / "sandbox.sh"
    program.write_text(SANDBOX)
    program.chmod(0o755)
    await _work(lab, "sandbox", "--exec", f"{program} {{sample}}")
    view = await until(event.id, lambda view: view.verdict is not None)
    assert view.verdict is not None
    assert (view.verdict.conclusion, view.verdict.score, view.verdict.family) == (Conclusion.MALICIOUS, 99, "Example")
    shown = await lab.command("queue", "tasks", "show", task.id, "--config", str(lab.client_config))
    assert "sandbox" in shown
    assert max(map(len, shown.splitlines())) <= 80


async def _flag(lab: Lab, sample: Path) -> ObjectView:
    async with AgentClient(lab.socket) as agent:
        return await agent.flag(FlagRequest(path=str(sample)))


async def _work(lab: Lab, kind: str, *analyzer: str) -> None:
    await lab.command("worker", "run", "--once", "--kind", kind, *analyzer, "--config", str(lab.client_config))
