"""The commands as an operator, a scanner and an analyst type them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from tests.support.commands import run

EICAR_NAME = "eicar"


@pytest.fixture
def agent_options(lab: Lab) -> tuple[str, ...]:
    return ("--config", str(lab.agent_config))


@pytest.fixture
def client_options(lab: Lab) -> tuple[str, ...]:
    return ("--config", str(lab.client_config))


async def test_an_analysts_hand_on_the_queue(
    lab: Lab, agent_options: tuple[str, ...], client_options: tuple[str, ...], folder: Path, samples: Path
) -> None:
    """flag, tasks list, lease, download, complete, show: the whole path typed by hand."""
    (sample,) = (path for path in samples.glob("eicar/*/*") if path.name != "expected.json")
    flagged = await run("flag", str(sample), "--detection", "Win.Test.EICAR_HDB-1", "--json", *agent_options)
    assert flagged.code == 0, flagged.err
    event_id = json.loads(flagged.out)["id"]
    lease = None
    while lease is None:
        said = await run("queue", "tasks", "lease", "--json", *client_options)
        lease = json.loads(said.out) if said.code == 0 else None
    task = lease["task"]["id"]
    listed = await run("queue", "tasks", "list", "--state", "leased", "--json", *client_options)
    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == [task]
    got = await run("queue", "tasks", "download", task, "--form", "raw", "--to", str(folder / "got"), *client_options)
    assert [Path(line).read_bytes() for line in got.out.splitlines()] in ([sample.read_bytes()], [])
    verdict = ("--conclusion", "malicious", "--score", "100", "--note", "the test file")
    done = await run("queue", "tasks", "complete", task, "--lease", lease["lease"], *verdict, *client_options)
    assert done.out == f"{task} done\n"
    other = ("--conclusion", "benign", "--score", "0")
    again = await run("queue", "tasks", "complete", task, "--lease", lease["lease"], *other, *client_options)
    assert again.code == 2, "a task that has ended takes no other verdict"
    shown = ""
    while "verdict" not in shown:
        shown = (await run("show", event_id, *agent_options)).out
    assert "malicious (100)" in shown
    tasks = (await run("queue", "tasks", "list", *client_options)).out
    objects = (await run("list", *agent_options)).out
    assert task in tasks
    assert "done" in tasks
    assert event_id in objects
    assert "delivered  whole" in objects or "delivered whole" in objects
    assert max(map(len, "".join((shown, tasks, objects)).splitlines())) <= 80


async def test_submit_follows_to_the_verdict(lab: Lab, agent_options: tuple[str, ...], folder: Path) -> None:
    """submit --wait ends with 0 when every verdict is there, and names what it could not take."""
    feed = folder / "feed"
    feed.mkdir()
    (feed / "a.sh").write_text("#!/bin/sh\nexit 0\n")
    (feed / "b.sh").write_text("#!/bin/sh\nexit 1\n")
    (feed / "link").symlink_to("a.sh")
    await lab.start_worker()
    said = await run("submit", str(feed), "--wait", "--timeout", "40", "--json", *agent_options)
    views = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0, said.err
    assert [view["verdict"]["conclusion"] for view in views] == ["benign", "benign"]
    assert [view["sampling"] for view in views] == ["whole", "whole"]
    partly = await run("submit", str(feed / "a.sh"), str(folder / "absent"), *agent_options)
    assert partly.code == 3
    assert "absent" in partly.err


@pytest.mark.parametrize("name", ["line\nbreak", "ümläut", "x" * 255, b"\xff\xfe".decode("utf-8", "surrogateescape")])
async def test_odd_names_are_taken_and_shown_safely(
    lab: Lab, agent_options: tuple[str, ...], folder: Path, name: str
) -> None:
    """Newlines, other letters, 255 bytes and invalid UTF-8 in a name change nothing."""
    file = folder / name
    file.write_text("#!/bin/sh\n")
    flagged = await run("flag", str(file), "--json", *agent_options)
    assert flagged.code == 0, flagged.err
    shown = await run("list", *agent_options)
    assert "\nbreak" not in shown.out


async def test_standard_input_can_be_flagged(lab: Lab, agent_options: tuple[str, ...]) -> None:
    """A scanner without a file passes the bytes."""
    flagged = await run("flag", "-", "--json", *agent_options, stdin=b"#!/bin/sh\necho\n")
    assert flagged.code == 0, flagged.err
    assert json.loads(flagged.out)["size"] == 15


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "absent"),
        (lambda path: path.mkdir(), "folder"),
        (os.mkfifo, "FIFO"),
        (lambda path: path.symlink_to("/etc/hostname"), "symbolic link"),
    ],
    ids=["absent", "folder", "fifo", "link"],
)
async def test_what_is_no_file_is_refused_with_its_kind(
    lab: Lab, agent_options: tuple[str, ...], folder: Path, make: object, complaint: str
) -> None:
    """The answer says what it is instead; the exit code is 2 and the service goes on."""
    path = folder / "thing"
    make(path)  # type: ignore[operator]
    flagged = await run("flag", str(path), *agent_options)
    assert flagged.code == 2
    assert complaint in flagged.out
    assert (await run("agent", "status", *agent_options)).code == 0


async def test_history_is_sound_and_shows_what_left(lab: Lab, agent_options: tuple[str, ...]) -> None:
    """history lists what was sent, verify finds a changed entry."""
    flagged = await run("flag", "/etc/hostname", "--json", *agent_options)
    event_id = json.loads(flagged.out)["id"]
    kinds: list[str] = []
    while "delivered" not in kinds:
        said = await run("history", event_id, "--reverse", "--json", *agent_options)
        kinds = [json.loads(line)["kind"] for line in said.out.splitlines()]
    assert kinds[:4] == ["looked_up", "permitted", "offered", "delivered"]
    assert (await run("history", "verify", *agent_options)).code == 0
    journal = next((lab.folder / "agent" / "journal").glob("*.jsonl"))
    journal.write_text(journal.read_text().replace('"delivered"', '"delivered "', 1))
    assert (await run("history", "verify", *agent_options)).code == 1


async def test_nobody_answers_is_exit_code_4(folder: Path) -> None:
    """Without an agent the command says so in one line."""
    said = await run("flag", "/etc/hostname", "--socket", str(folder / "none.sock"))
    assert said.code == 4
    assert said.err.startswith("sampler: ")
    assert len(said.err.splitlines()) == 1


async def test_scan_sends_nothing_and_ends_as_clamscan_does(folder: Path, samples: Path) -> None:
    """0 nothing found, 1 found, 2 error; no agent is needed."""
    (folder / "plain.txt").write_text("nothing here\n")
    assert (await run("scan", str(folder))).code == 0
    found = await run("scan", str(samples / "eicar"))
    assert found.code == 1
    assert "FOUND" in found.out
    failed = await run("scan", str(folder / "absent"))
    assert failed.code == 2


async def test_scan_names_a_bad_rule_and_runs_the_others(folder: Path) -> None:
    """A rule that does not compile is named with file and line; its neighbours still match."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "bad.yar").write_text("rule bad {\n  condition:\n    nonsense\n}\n")
    (rules / "good.yar").write_text('rule good { strings: $a = "needle" condition: $a }\n')
    (folder / "hay").write_text("a needle\n")
    said = await run("scan", "--rules", str(rules), str(folder / "hay"))
    assert said.code == 1
    assert "good FOUND" in said.out
    assert "bad.yar:3" in said.err


async def test_a_slip_in_the_settings_is_named(folder: Path) -> None:
    """An unknown key ends the command with its file, line and the right name."""
    file = folder / "agent.toml"
    file.write_text("[spool]\nmax_bites = 1\n")
    said = await run("agent", "run", "--config", str(file))
    assert said.code == 2
    assert f"{file}:2: unknown key 'spool.max_bites'; did you mean 'max_bytes'?" in said.err
