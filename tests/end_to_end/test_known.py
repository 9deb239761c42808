"""What is known is not sent: from a worker's verdict to the command that blocks, memory, look-up and list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.journal import JournalReader
from sampler.model import Conclusion, ObjectState
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.worker import PeopleClient
from tests.support.commands import patiently, run


@pytest.fixture
def bad(samples: Path) -> Path:
    """A sample that is sent whole and called malicious."""
    (found,) = (path for path in (samples / "script/php-eval").iterdir() if path.name != "expected.json")
    return found


async def flagged(lab: Lab, path: Path) -> ObjectView:
    async with AgentClient(lab.socket) as client:
        return await client.flag(FlagRequest(path=str(path)))


async def lookup(lab: Lab, path: Path, *more: str) -> tuple[int, dict[str, object]]:
    ended = await run("lookup", "--json", *more, "--config", str(lab.agent_config), str(path))
    return ended.code, json.loads(ended.out)["known"]


async def restarted(lab: Lab) -> None:
    await lab.kill("agent")
    await lab.start_agent()


@pytest.mark.timeout(400)
async def test_what_is_known_is_not_sent(lab: Lab, people: PeopleClient, bad: Path, tmp_path: Path) -> None:
    """One submission: everything after its verdict is answered here, and each answer reaches the command."""
    told, command = tmp_path / "told", tmp_path / "command"
    command.write_text(f"#!/bin/sh\ncat >> {told}\necho >> {told}\n")
    command.chmod(0o755)
    lab.agent_config.write_text(lab.agent_config.read_text() + f'\n[on_verdict]\ncommand = ["{command}"]\n')
    await restarted(lab)
    await lab.start_worker()

    async def notices() -> dict[str, dict[str, object]]:
        lines = told.read_text().splitlines() if told.exists() else []
        return {str(notice["id"]): notice for notice in map(json.loads, filter(None, lines))}

    async def told_of(view: ObjectView) -> dict[str, object] | None:
        return (await notices()).get(view.id)

    first = await flagged(lab, bad)
    assert first.state == ObjectState.SPOOLED
    notice = await patiently("the command is told", lambda: told_of(first))
    assert (notice["sha256"], notice["source"], notice["path"]) == (first.sha256, "queue", str(bad))

    again = await flagged(lab, bad)
    assert again.state == ObjectState.KNOWN
    assert again.verdict is not None
    assert again.verdict.conclusion is Conclusion.MALICIOUS
    assert await lookup(lab, bad, "--local") == (1, await _known(lab, bad, "queue"))

    for name in (lab.folder / "agent/verdicts").glob("known.sqlite*"):
        name.unlink()
    await restarted(lab)
    asked = await flagged(lab, bad)
    assert (asked.state, "known from look-up" in asked.detail) == (ObjectState.KNOWN, True)
    assert (await patiently("the command is told", lambda: told_of(asked)))["source"] == "look-up"
    journal = [entry for entry in JournalReader(lab.folder / "agent/journal").entries() if entry.event_id == asked.id]
    assert [entry.kind for entry in journal] == ["looked_up", "known"]
    assert (await run("history", "verify", "--config", str(lab.agent_config))).code == 0
    assert len((await people.tasks()).tasks) == 1
    assert (await run("reconcile", "--config", str(lab.agent_config))).code == 0


async def _known(lab: Lab, path: Path, source: str) -> dict[str, object]:
    _, known = await lookup(lab, path)
    assert known["source"] == source
    return known


@pytest.mark.timeout(400)
async def test_a_list_of_known_good_files(lab: Lab, agent: AgentClient, samples: Path, tmp_path: Path) -> None:
    """Built, published, fetched and believed; it hides a harmless file, and not one that a severe rule matched."""
    (harmless,) = (path for path in (samples / "pe/plain").iterdir() if path.name != "expected.json")
    (severe,) = (path for path in (samples / "eicar/eicar").iterdir() if path.name != "expected.json")
    made = await run("queue", "known-good", "build", str(samples), "-o", str(tmp_path / "good.list"))
    assert made.code == 0, made.err
    config = ("--config", str(lab.queue_config))
    done = await run("queue", "known-good", "publish", str(tmp_path / "good.list"), "--name", "samples", *config)
    assert done.code == 0, done.err
    assert "samples" in (await run("queue", "known-good", "show", *config)).out
    await restarted(lab)

    async def held() -> bool:
        async with AgentClient(lab.socket) as client:
            return (await client.status()).known_good.startswith("list 1 (samples)")

    assert await patiently("the list", held)
    view = await flagged(lab, harmless)
    assert (view.state, view.verdict is not None) == (ObjectState.KNOWN, True)
    assert "known from known-good" in view.detail
    assert (await flagged(lab, severe)).state == ObjectState.SPOOLED
    assert (await lookup(lab, severe))[1]["source"] == "known-good"
