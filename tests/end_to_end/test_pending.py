"""What a person has to approve: it waits, encrypted, and leaves only once somebody approved it and all else agrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sampler.cli.demo_lab import Lab
from sampler.errors import RequestError
from sampler.intake import AgentClient
from sampler.model import Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.messages import TaskView
from sampler.worker import PeopleClient
from tests.support.commands import patiently, run


@pytest.fixture
def document(samples: Path) -> Path:
    return samples / "ole/plain/plain.doc"


async def flagged(agent: AgentClient, document: Path) -> tuple[ObjectView, ObjectView]:
    """A document of which the whole is wanted: its first event, and the one that waits."""
    first = await agent.flag(FlagRequest(path=str(document), wants=Sampling.WHOLE))
    (held,) = (await agent.objects(state="held")).objects
    assert held.follows == first.id
    return first, held


async def task_of(people: PeopleClient, submission: str) -> TaskView:
    async def look() -> TaskView | None:
        return next((task for task in (await people.tasks()).tasks if task.submission == submission), None)

    task: TaskView = await patiently("the submission", look)
    return task


def journal_of(lab: Lab, event_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for path in lab.folder.rglob("journal/*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if line.get("event_id") == event_id]


def sealed(lab: Lab, event_id: str) -> list[Path]:
    return list(lab.folder.rglob(f"{event_id}.sealed"))


async def test_a_document_waits_and_leaves_once_it_is_approved(
    lab: Lab, agent: AgentClient, people: PeopleClient, document: Path, tmp_path: Path
) -> None:
    """Its metadata leaves at once; its bytes lie encrypted until somebody approves, and then name the first event."""
    first, held = await flagged(agent, document)
    assert (first.sampling, held.sampling) == (Sampling.METADATA, Sampling.WHOLE)
    assert first.omissions[0].reason.startswith("P10 held")
    assert (await task_of(people, first.id)).contents == []
    (file,) = sealed(lab, held.id)
    assert document.read_bytes()[:64] not in file.read_bytes()

    listed = await run("pending", "list", "--config", str(lab.agent_config))
    assert held.id in listed.out, listed.err
    shown = await run("pending", "show", held.id, "--config", str(lab.agent_config))
    assert "personal data" in shown.out
    done = await run("pending", "approve", held.id, "--config", str(lab.agent_config))
    assert done.code == 0, done.err

    task = await task_of(people, held.id)
    assert [content.sha256 for content in task.contents] == [first.sha256]
    assert task.fields["sampler.event.follows"] == first.id
    (content,) = task.contents
    await people.download(content.sha256, content.size, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == document.read_bytes()
    assert sealed(lab, held.id) == []
    kinds = [line["kind"] for line in journal_of(lab, held.id)]
    assert kinds[:3] == ["held", "approved", "permitted"]
    again = await run("pending", "approve", held.id, "--config", str(lab.agent_config))
    assert (again.code, "does not wait" in again.err) == (5, True)


async def test_what_is_denied_ends_by_its_rule(lab: Lab, agent: AgentClient, document: Path) -> None:
    """A denial is final: the bytes are gone, the record and the journal say who and by which rule."""
    _, held = await flagged(agent, document)
    done = await run("pending", "deny", "--all", "--config", str(lab.agent_config))
    assert done.code == 0, done.err
    ended = await agent.show(held.id)
    assert ended is not None
    assert (ended.state, ended.rule) == ("refused", "P10 denied")
    assert sealed(lab, held.id) == []
    (line,) = [line for line in journal_of(lab, held.id) if line["kind"] == "denied"]
    assert line["document"]["by"]
    with pytest.raises(RequestError, match="does not wait"):
        await agent.decide_pending(held.id, approve=True)


async def test_an_approval_does_not_stand_above_consent(
    lab: Lab, agent: AgentClient, people: PeopleClient, document: Path
) -> None:
    """Without the scope documents an approval lets nothing leave; a withdrawal then ends what waits and its bytes."""
    _, held = await flagged(agent, document)
    withdrawn = await run("consent", "withdraw", "--scope", "documents", "--config", str(lab.agent_config))
    assert withdrawn.code == 0, withdrawn.err
    with pytest.raises(RequestError, match=r"P7 whole-kind|does not wait"):
        await agent.decide_pending(held.id, approve=True)
    await lab.kill("agent")
    await lab.start_agent()

    async def ended() -> bool:
        view = await agent.show(held.id)
        return view is not None and view.state == "recalled"

    assert await patiently("the end", ended)
    assert sealed(lab, held.id) == []
    assert held.id not in {task.submission for task in (await people.tasks()).tasks}


async def test_what_waits_survives_a_kill_and_expires(lab: Lab, agent: AgentClient, document: Path) -> None:
    """A killed agent finds again what waits; after the time that the policy gives it ends as expired, by its rule."""
    _, held = await flagged(agent, document)
    await lab.kill("agent")
    await lab.start_agent()
    found = await agent.show(held.id)
    assert found is not None
    assert found.state == "held"
    assert len(sealed(lab, held.id)) == 1
    await lab.kill("agent")
    lab.agent_config.write_text(lab.agent_config.read_text() + "\n[policy]\npending_seconds = 0.001\n")
    await lab.start_agent()

    async def ended() -> bool:
        view = await agent.show(held.id)
        return view is not None and (view.state, view.rule) == ("expired", "P10 expired")

    assert await patiently("the end", ended)
    assert sealed(lab, held.id) == []


async def test_bytes_that_somebody_changed_are_not_approved(lab: Lab, agent: AgentClient, document: Path) -> None:
    """What was changed on the disk meanwhile is not what was shown: it ends, and nothing leaves."""
    _, held = await flagged(agent, document)
    (file,) = sealed(lab, held.id)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    assert (await agent.decide_pending(held.id, approve=True)).state == "failed"
    assert sealed(lab, held.id) == []


async def test_a_rule_of_the_policy_holds_programs_too(
    lab: Lab, agent: AgentClient, people: PeopleClient, samples: Path
) -> None:
    """With ``hold`` for a folder, even a program waits there, and the same object flagged again waits once."""
    await lab.kill("agent")
    held_folder = json.dumps(str(samples / "pe"))
    rule = f"\n[[policy.rules]]\npaths = [{held_folder}]\nhold = true\n"
    lab.agent_config.write_text(lab.agent_config.read_text() + rule)
    await lab.start_agent()
    program = next(path for path in (samples / "pe/plain").iterdir() if path.name != "expected.json")
    request = FlagRequest(path=str(program), wants=Sampling.WHOLE, id="0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10")
    first = await agent.flag(request)
    assert first.id == (await agent.flag(request)).id
    (held,) = (await agent.objects(state="held")).objects
    assert "rule 1" in held.detail
    assert (await agent.decide_pending(held.id, approve=True)).state in ("spooled", "delivered")
    assert [content.sha256 for content in (await task_of(people, held.id)).contents] == [first.sha256]
