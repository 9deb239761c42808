"""The whole path of one object, from a flag to the verdict on the host that flagged it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab, LabError
from sampler.errors import Conflict
from sampler.intake import AgentClient
from sampler.model import Conclusion, ObjectState, Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.messages import CompleteRequest, FailRequest, LeaseRequest
from sampler.worker import PeopleClient

Until = Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]]


def delivered(view: ObjectView) -> bool:
    return view.state in (ObjectState.DELIVERED, ObjectState.DUPLICATE)


def concluded(view: ObjectView) -> bool:
    return view.verdict is not None


@pytest.fixture
def script(folder: Path) -> Path:
    file = folder / "build.sh"
    file.write_text("#!/bin/sh\necho a harmless script\n" + "# padding\n" * 1000)
    return file


async def test_whole_object_reaches_an_analyst_and_the_verdict_comes_back(
    agent: AgentClient, people: PeopleClient, until: Until, script: Path
) -> None:
    """What the analyst downloads is what was flagged, and the host learns what the analyst concluded."""
    view = await agent.flag(FlagRequest(path=str(script), wants=Sampling.WHOLE, detections=["Test.Name"]))
    await until(view.id, delivered)
    lease = await people.lease(LeaseRequest(worker="ann"))
    assert lease is not None
    assert lease.task.submission == view.id
    assert lease.task.fields["sampler.detections"] == ["Test.Name"]
    (content,) = lease.task.contents
    got = script.with_suffix(".got")
    await people.download(content.sha256, content.size, got)
    assert got.read_bytes() == script.read_bytes()
    assert got.stat().st_mode & 0o777 == 0o600
    conclusion = CompleteRequest(
        lease=lease.lease, conclusion=Conclusion.SUSPICIOUS, score=60, analyzer="ann", family="Example", note="seen"
    )
    await people.complete(lease.task.id, conclusion)
    verdict = (await until(view.id, concluded)).verdict
    assert verdict is not None
    assert (verdict.conclusion, verdict.score, verdict.family, verdict.note) == ("suspicious", 60, "Example", "seen")


async def test_parts_can_be_shown_to_belong_to_the_whole(
    agent: AgentClient, people: PeopleClient, until: Until, samples: Path
) -> None:
    """Each part's hash is that of the whole's bytes at the part's place."""
    file = samples / "pe" / "overlay-zip" / "overlay-zip.exe"
    view = await agent.flag(FlagRequest(path=str(file)))
    await until(view.id, delivered)
    assert view.sampling is Sampling.PARTS
    lease = await people.lease(LeaseRequest(worker="ann"))
    assert lease is not None
    whole = file.read_bytes()
    assert lease.task.object.sha256 == hashlib.sha256(whole).hexdigest()
    for content in lease.task.contents:
        assert content.part is not None
        piece = whole[content.part.offset : content.part.offset + content.part.length]
        assert hashlib.sha256(piece).hexdigest() == content.sha256


async def test_known_bytes_do_not_travel_again(agent: AgentClient, until: Until, script: Path) -> None:
    """The second time, only the manifest is sent."""
    first = await agent.flag(FlagRequest(path=str(script), wants=Sampling.WHOLE))
    assert (await until(first.id, delivered)).sent_bytes == script.stat().st_size
    second = await agent.flag(FlagRequest(path=str(script), wants=Sampling.WHOLE))
    again = await until(second.id, delivered)
    assert (again.state, again.sent_bytes) == (ObjectState.DUPLICATE, 0)


async def test_the_same_request_again_changes_nothing(agent: AgentClient, people: PeopleClient, until: Until) -> None:
    """A scanner that repeats its request by its own id gets the first outcome, and the queue counts one."""
    request = FlagRequest(id="6c0f5b9a-64a3-4f0e-9d53-1f5ad1c6f0a1", path="/etc/hostname", reason="analyst")
    first = await agent.flag(request)
    await until(first.id, delivered)
    again = await agent.flag(request)
    assert (again.id, again.created) == (first.id, first.created)
    assert len((await people.tasks()).tasks) == 1


async def test_only_listed_fields_leave_and_names_of_people_do_not(
    agent: AgentClient, people: PeopleClient, until: Until, folder: Path
) -> None:
    """The queue sees a templated path and ECS names that the statement lists."""
    from sampler.permit import shipped_statement

    home = folder / "home" / "erika.mustermann"
    home.mkdir(parents=True)
    file = home / "x.sh"
    file.write_text("#!/bin/sh\n")
    view = await agent.flag(FlagRequest(path=str(file), origin_url="https://erika:pw@example.org/a?token=1#x"))
    await until(view.id, delivered)
    (task,) = (await people.tasks()).tasks
    listed = shipped_statement("extended").fields
    assert task.fields["file.hash.sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert task.fields["file.origin_url"] == "https://example.org/a"
    for name in task.fields:
        assert name in listed or any(key.endswith(".*") and name.startswith(key[:-1]) for key in listed), name
    assert "pw" not in str(task.fields)


async def test_a_process_concerned_is_described(agent: AgentClient, people: PeopleClient, until: Until) -> None:
    """With --pid the process and its parent come along, their arguments redacted."""
    view = await agent.flag(FlagRequest(path="/etc/hostname", pid=os.getpid()))
    await until(view.id, delivered)
    (task,) = (await people.tasks()).tasks
    assert task.fields["process.pid"] == os.getpid()
    assert "python" in str(task.fields["process.executable"])
    assert task.fields["process.parent.pid"] == os.getppid()


async def test_failed_and_expired_leases_go_to_somebody_else(
    lab: Lab, agent: AgentClient, people: PeopleClient, until: Until
) -> None:
    """A task that was given back is leased again, and the first holder's verdict is refused."""
    await lab.kill("queue")  # to rest for no ten seconds between two attempts, of which chance takes any part
    settings = lab.queue_config.read_text()
    lab.queue_config.write_text(f"{settings}\nsweep_seconds = 0.2\n\n[tasks]\nretry_first_seconds = 0.1\n")
    await lab.start_queue()
    view = await agent.flag(FlagRequest(path="/etc/hostname"))
    await until(view.id, delivered)
    first = await people.lease(LeaseRequest(worker="ann", seconds=0.2))
    assert first is not None
    second = await people.lease(LeaseRequest(worker="ben", wait=10))
    assert second is not None
    late = CompleteRequest(lease=first.lease, conclusion=Conclusion.BENIGN, score=0, analyzer="ann")
    with pytest.raises(Conflict):
        await people.complete(first.task.id, late)
    failed = await people.fail(second.task.id, FailRequest(lease=second.lease, reason="no sandbox", retry=False))
    assert failed.state == "dead"
    assert (await people.requeue(failed.id)).state == "waiting"


async def test_consent_withdrawn_while_it_waits_stops_what_waits(bare_lab: Lab) -> None:
    """Nothing of a spooled object leaves after a withdrawal, and the owner sees why."""
    fingerprint = await bare_lab.init_queue()
    await bare_lab.start_queue()
    await bare_lab.enroll(fingerprint)
    config = ("--config", str(bare_lab.agent_config))
    await bare_lab.command("consent", "accept", "extended", "--by", "erika", *config)
    await bare_lab.kill("queue")
    await bare_lab.start_agent()
    async with AgentClient(bare_lab.socket) as client:
        view = await client.flag(FlagRequest(path="/etc/hostname"))
        assert view.state == ObjectState.SPOOLED
        await bare_lab.command("consent", "withdraw", "--by", "erika", *config)
        await bare_lab.start_queue()
        seen = await client.show(view.id)
        while seen is not None and seen.state == ObjectState.SPOOLED:
            seen = await client.show(view.id)
    assert seen is not None
    assert seen.state == ObjectState.RECALLED
    assert seen.sent_bytes == 0
    tasks = await bare_lab.command("queue", "tasks", "list", "--json", "--config", str(bare_lab.client_config))
    assert tasks == ""


async def test_without_consent_nothing_is_taken(bare_lab: Lab) -> None:
    """No consent: the object is refused with the numbered rule, and nothing is spooled."""
    fingerprint = await bare_lab.init_queue()
    await bare_lab.start_queue()
    await bare_lab.enroll(fingerprint)
    await bare_lab.start_agent()
    async with AgentClient(bare_lab.socket) as client:
        view = await client.flag(FlagRequest(path="/etc/hostname"))
        assert view.state == ObjectState.REFUSED
        assert view.rule
        assert (await client.status()).spool_bytes == 0
    with pytest.raises(LabError, match="ended with 5"):
        await bare_lab.command("flag", "/etc/hostname", "--config", str(bare_lab.agent_config))
