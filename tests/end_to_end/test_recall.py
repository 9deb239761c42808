"""Taking back: before anything left, after all of it did, without a consent, from a worker, and through crashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sampler.cli.demo_lab import Lab
from sampler.errors import QueueRefused
from sampler.intake import AgentClient
from sampler.model import Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.ask_messages import AskRequest
from sampler.wire.messages import LeaseRequest, RenewRequest, TaskView
from sampler.worker import PeopleClient
from tests.support.commands import Said, patiently, run

CONTENT = b"#!/bin/sh\necho something that its owner regrets\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def recalled(lab: Lab, event_id: str, *more: str) -> list[dict[str, Any]]:
    """What ``sampler recall`` says of each submission."""
    said = await run("recall", event_id, "--json", "--config", str(lab.agent_config), *more)
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


async def reconciled(lab: Lab) -> Said:
    return await run("reconcile", "--config", str(lab.agent_config))


async def settled(lab: Lab, event_id: str) -> list[dict[str, Any]]:
    """The recall once the queue has confirmed all of it."""

    async def look() -> list[dict[str, Any]]:
        objects = await recalled(lab, event_id, "--wait", "5")
        return [] if any(each["standing"] == "asked" for each in objects) else objects

    objects: list[dict[str, Any]] = await patiently("the confirmation", look)
    return objects


@pytest.fixture
def script(folder: Path) -> Path:
    path = folder / "regretted.sh"
    path.write_bytes(CONTENT)
    return path


async def delivered(lab: Lab, agent: AgentClient, people: PeopleClient, script: Path) -> tuple[ObjectView, TaskView]:
    """The script, whole, at the queue."""
    view = await agent.flag(FlagRequest(path=str(script), wants=Sampling.WHOLE))

    async def arrived() -> TaskView | None:
        return next((task for task in (await people.tasks()).tasks if task.submission == view.id), None)

    async def ended() -> ObjectView | None:
        seen = await agent.show(view.id)
        return seen if seen is not None and seen.state == "delivered" else None

    task: TaskView = await patiently("the task", arrived)
    return await patiently("the end of delivery", ended), task


def everywhere(folder: Path, words: bytes) -> list[Path]:
    """Files of the queue in which these bytes are."""
    return [path for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()]


async def test_what_was_delivered_is_destroyed(
    lab: Lab, agent: AgentClient, people: PeopleClient, script: Path
) -> None:
    """Content and manifest are in no file of the queue any more; the journal has wish and signed confirmation."""
    view, task = await delivered(lab, agent, people, script)
    assert everywhere(lab.folder / "queue", b"something that its owner regrets")
    assert everywhere(lab.folder / "queue", b"regretted.sh")
    (taken,) = await settled(lab, view.id)
    assert taken["standing"] == "confirmed"
    assert everywhere(lab.folder / "queue", b"something that its owner regrets") == []
    assert everywhere(lab.folder / "queue", b"regretted.sh") == []
    with pytest.raises(QueueRefused, match="took submission"):
        await people.download(SHA256, len(CONTENT), lab.folder / "copy")
    said = await run("history", "--id", view.id, "--json", "--config", str(lab.agent_config))
    entries = sorted((json.loads(line) for line in said.out.splitlines()), key=lambda entry: int(entry["number"]))
    assert [each["kind"] for each in entries][-2:] == ["recall_asked", "recall_confirmed"]
    confirmation = json.loads(entries[-1]["document"]["confirmation"])
    assert (confirmation["submission"], confirmation["destroyed"]) == (view.id, [SHA256])
    assert (await people.tasks()).tasks == []
    assert task.submission == view.id
    assert (await reconciled(lab)).code == 0


async def test_nothing_left_and_nothing_is_said(lab: Lab, agent: AgentClient, script: Path) -> None:
    """What waits while the queue is away ends at once, and the queue never hears of it."""
    await lab.kill("queue")
    await lab.kill("agent")
    lab.agent_config.write_text(lab.agent_config.read_text().replace("[queue]", "[queue]\nparallel = 1"))
    consent = ("--config", str(lab.agent_config))
    text = lab.agent_config.read_text()
    lab.agent_config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("url")))
    await lab.start_agent()
    async with AgentClient(lab.socket) as offline:
        view = await offline.flag(FlagRequest(path=str(script), wants=Sampling.WHOLE))
        assert view.state == "spooled"
    (taken,) = await recalled(lab, view.id, "--reason", "a mistake")
    assert (taken["state"], taken["standing"]) == ("recalled", "stopped")
    assert list((lab.folder / "agent/spool/contents").glob("*/*")) == []
    await lab.kill("agent")
    lab.agent_config.write_text(text)
    await lab.start_queue()
    await lab.start_agent()
    said = await run("reconcile", *consent)
    assert (said.code, said.out) == (0, "every object is accounted for\n"), said.err
    journal = await run("history", "--id", view.id, "--json", *consent)
    kinds = [json.loads(line)["kind"] for line in journal.out.splitlines()]
    assert "offered" not in kinds
    assert "recall_confirmed" not in kinds


async def test_it_needs_no_consent(lab: Lab, agent: AgentClient, people: PeopleClient, script: Path) -> None:
    """After a withdrawal it is the one thing that is still said to the queue."""
    view, _ = await delivered(lab, agent, people, script)
    assert (await run("consent", "withdraw", "--config", str(lab.agent_config))).code == 0
    (taken,) = await settled(lab, view.id)
    assert taken["standing"] == "confirmed"
    assert everywhere(lab.folder / "queue", b"something that its owner regrets") == []


async def test_the_wish_outlives_everything(lab: Lab, agent: AgentClient, people: PeopleClient, script: Path) -> None:
    """Asked while the queue is away, through kills of both, it is delivered once both are back."""
    view, _ = await delivered(lab, agent, people, script)
    await lab.kill("queue")
    (taken,) = await recalled(lab, view.id, "--wait", "0")
    assert taken["standing"] == "asked"
    await lab.kill("agent")
    await lab.start_agent()
    await lab.start_queue()
    (taken,) = await settled(lab, view.id)
    assert taken["standing"] == "confirmed"
    assert everywhere(lab.folder / "queue", b"something that its owner regrets") == []
    assert (await reconciled(lab)).code == 0


async def test_it_wins_over_a_worker(lab: Lab, agent: AgentClient, people: PeopleClient, script: Path) -> None:
    """Whoever works on it cannot keep the lease and is told to delete what it has."""
    view, task = await delivered(lab, agent, people, script)
    lease = await people.lease(LeaseRequest(worker="w", task=task.id))
    assert lease is not None
    await settled(lab, view.id)
    with pytest.raises(QueueRefused, match="delete what you have of it"):
        await people.renew(task.id, RenewRequest(lease=lease.lease))


async def test_all_of_one_object_goes(lab: Lab, agent: AgentClient, people: PeopleClient, samples: Path) -> None:
    """What was sent later, since the queue asked for more of it, is taken back by the identifier of either."""
    (program,) = (path for path in (samples / "pe/plain").iterdir() if path.name != "expected.json")
    view = await agent.flag(FlagRequest(path=str(program)))

    async def tasks() -> list[str]:
        return [task.submission for task in (await people.tasks()).tasks]

    await patiently("the first submission", tasks)
    asked = await people.ask(view.id, AskRequest(wants="whole"))

    async def answered() -> str | None:
        (seen,) = [each for each in (await people.asks(view.id)).asks if each.id == asked.id]
        return seen.answer if len(await tasks()) == 2 else None

    answer: str = await patiently("the answer", answered)
    objects = await settled(lab, answer)
    assert [each["id"] for each in objects] == [view.id, answer]
    assert {each["standing"] for each in objects} == {"confirmed"}
    assert await tasks() == []
    assert list(lab.folder.rglob("*.sealed")) == []
