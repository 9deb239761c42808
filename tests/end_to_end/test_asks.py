"""The queue asks for more of an object: hash and features first, then parts, then the whole, as far as consent goes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import AskState, Sampling
from sampler.wire.agent_messages import FlagRequest
from sampler.wire.ask_messages import AskRequest, AskView
from sampler.wire.messages import TaskView
from sampler.worker import PeopleClient, Standing, standing_of
from tests.support.commands import patiently, run


@pytest.fixture
def program(samples: Path) -> Path:
    (found,) = (path for path in (samples / "pe/plain").iterdir() if path.name != "expected.json")
    return found


async def told(agent: AgentClient, people: PeopleClient, program: Path) -> TaskView:
    """A plain program that is flagged: features only, since no rule asks for more."""
    view = await agent.flag(FlagRequest(path=str(program)))
    assert view.sampling is Sampling.METADATA

    async def arrived() -> TaskView | None:
        return next((task for task in (await people.tasks()).tasks if task.submission == view.id), None)

    task: TaskView = await patiently("the first submission", arrived)
    return task


async def ended(people: PeopleClient, asked: AskView) -> AskView:
    """The ask once its host has answered."""

    async def look() -> AskView | None:
        (view,) = [each for each in (await people.asks(asked.submission)).asks if each.id == asked.id]
        return None if view.state is AskState.OPEN else view

    view: AskView = await patiently("the answer", look)
    return view


async def test_features_then_a_part_then_the_whole(
    agent: AgentClient, people: PeopleClient, program: Path, tmp_path: Path
) -> None:
    """A part that is asked for later is proven against the first manifest's tree; the whole hashes to its hash."""
    first = await told(agent, people, program)
    assert first.contents == []
    asked = await people.ask(first.submission, AskRequest(wants="parts", parts=("section:.text", "section:.none")))
    answer = await ended(people, asked)
    assert (answer.state, answer.reason) == (AskState.SENT, "section:.none: the object has none")

    async def task_of(submission: str | None) -> TaskView | None:
        return next((task for task in (await people.tasks()).tasks if task.submission == submission), None)

    task: TaskView = await patiently("the part", lambda: task_of(answer.answer))
    (content,) = task.contents
    assert content.part is not None
    assert (content.part.kind, content.part.name) == ("section", ".text")
    await people.download(content.sha256, content.size, tmp_path / "part")
    assert standing_of(first.object, content, tmp_path / "part") is Standing.PROVEN

    whole = await ended(people, await people.ask(first.submission, AskRequest(wants="whole")))
    task = await patiently("the whole", lambda: task_of(whole.answer))
    assert [content.sha256 for content in task.contents] == [first.object.sha256]


async def test_what_may_not_leave_is_refused_by_its_rule(
    lab: Lab, agent: AgentClient, people: PeopleClient, program: Path
) -> None:
    """With the policy set to never, the whole is refused, and the analyst reads why; nothing else is sent for it."""
    first = await told(agent, people, program)
    await lab.kill("agent")
    lab.agent_config.write_text(lab.agent_config.read_text() + '\n[policy]\nwhole = "never"\n')
    await lab.start_agent()
    answer = await ended(people, await people.ask(first.submission, AskRequest(wants="whole")))
    assert answer.state is AskState.REFUSED
    assert answer.reason is not None
    assert "P7 whole-switch: the policy for whole objects is never" in answer.reason
    assert len((await people.tasks()).tasks) == 1


async def test_without_consent_nothing_is_kept_and_nothing_answered(
    lab: Lab, agent: AgentClient, people: PeopleClient, program: Path
) -> None:
    """A withdrawal takes what was kept away; the ask waits in silence, and a new consent brings nothing of it back."""
    first = await told(agent, people, program)
    kept = list(lab.folder.rglob("*.sealed"))
    assert len(kept) == 1
    assert program.read_bytes()[:64] not in kept[0].read_bytes()
    assert (await run("consent", "withdraw", "--config", str(lab.agent_config))).code == 0
    ask = await people.ask(first.submission, AskRequest(wants="parts", parts=("header",)))

    async def let_go() -> bool:
        return not list(lab.folder.rglob("*.sealed"))

    await patiently("the end of what was kept", let_go)
    assert [each.state for each in (await people.asks(first.submission)).asks] == [AskState.OPEN]
    assert (await run("consent", "accept", "extended", "--by", "erika", "--config", str(lab.agent_config))).code == 0
    answer = await ended(people, ask)
    assert (answer.state, answer.answer) == (AskState.GONE, None)
    assert answer.reason is not None


async def test_what_is_no_longer_kept_is_gone(
    lab: Lab, agent: AgentClient, people: PeopleClient, program: Path
) -> None:
    """The analyst is told so, also by the command."""
    first = await told(agent, people, program)
    for path in lab.folder.rglob("*.sealed"):
        path.unlink()
    client = ("--config", str(lab.client_config))
    asked = await run("queue", "ask", first.submission, "--whole", "--json", *client)
    assert asked.code == 0, asked.err
    (asked_id,) = {json.loads(asked.out)["id"]}

    async def gone() -> bool:
        listed = await run("queue", "asks", "--json", *client)
        return any(
            (each["id"], each["state"]) == (asked_id, "gone") for each in map(json.loads, listed.out.splitlines())
        )

    assert await patiently("gone", gone)
    assert "no longer" in (await run("queue", "asks", *client)).out


async def test_killed_between_decision_and_answer(
    lab: Lab, agent: AgentClient, people: PeopleClient, program: Path
) -> None:
    """However often the agent is killed meanwhile, one submission answers the ask."""
    first = await told(agent, people, program)
    asked = await people.ask(first.submission, AskRequest(wants="parts", parts=("header",)))
    for _ in range(3):
        await lab.kill("agent")
        await lab.start_agent()
        await asyncio.sleep(0)
    answer = await ended(people, asked)
    assert answer.state is AskState.SENT

    async def both() -> bool:
        return len((await people.tasks()).tasks) == 2

    assert await patiently("both tasks", both)
    assert {task.submission for task in (await people.tasks()).tasks} == {first.submission, answer.answer}
