"""``sampler preview``: what it says would leave is what leaves, and it itself sends and keeps nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.worker import PeopleClient
from tests.support.commands import run


def sample(samples: Path, name: str) -> Path:
    (found,) = (path for path in (samples / name).iterdir() if path.name != "expected.json")
    return found


async def test_what_it_shows_is_what_leaves(
    lab: Lab, agent: AgentClient, people: PeopleClient, samples: Path, until: Any
) -> None:
    """Fields, contents and omissions of a preview are those of the manifest when the same file is flagged."""
    path = sample(samples, "eicar/eicar")
    said = await run("preview", str(path), "--json", "--config", str(lab.agent_config))
    assert (said.code, said.err) == (0, "")
    shown = json.loads(said.out)
    assert shown["sends"] is True
    assert (await agent.objects()).objects == []

    flagged = await run("flag", str(path), "--json", "--config", str(lab.agent_config))
    event_id = json.loads(flagged.out)["id"]
    await until(event_id, lambda view: view.state in ("delivered", "duplicate"))
    (task,) = (await people.tasks()).tasks
    sent = {field["name"]: field["after"] for field in shown["fields"] if "after" in field}
    ours = {"event.id", "event.created"}
    assert {name: value for name, value in task.fields.items() if name not in ours} == {
        name: value for name, value in sent.items() if name not in ours
    }
    offered = [(content.sha256, content.size) for content in task.contents]
    assert [(each["content"]["sha256"], each["content"]["size"]) for each in shown["contents"]] == offered
    assert bytes.fromhex(shown["contents"][0]["head"]) == path.read_bytes()[:256]


async def test_what_people_read(lab: Lab, samples: Path) -> None:
    """Before and after, hexadecimal and text, what stays and why; no line of it steers a terminal."""
    said = await run(
        "preview", str(sample(samples, "pe/overlay-zip")), "--wants", "parts", "--config", str(lab.agent_config)
    )
    assert said.code == 0, said.err
    for words in ("Nothing was sent now.", "FIELDS", "→ root  (class)", "BYTES", "4d 5a", "MZ", "scope metadata"):
        assert words in said.out
    assert all(line.isprintable() for line in said.out.splitlines())


async def test_a_refusal_names_its_rule(lab: Lab, samples: Path) -> None:
    """Where nothing would leave, the rule that decided is said, and the exit code says refused."""
    await run("consent", "withdraw", "--config", str(lab.agent_config))
    said = await run("preview", str(sample(samples, "eicar/eicar")), "--config", str(lab.agent_config))
    assert said.code == 5
    assert "Nothing of it would leave. P1 no-consent" in said.out


async def test_standard_input_and_what_is_not_there(lab: Lab) -> None:
    """Bytes can be previewed too; a file that is not there is an error with its reason."""
    said = await run("preview", "-", "--json", "--config", str(lab.agent_config), stdin=b"#!/bin/sh\necho hello\n")
    assert json.loads(said.out)["kind"] == "script"
    absent = await run("preview", "/nowhere/at/all", "--config", str(lab.agent_config))
    assert absent.code == 2
    assert "/nowhere/at/all" in absent.err
