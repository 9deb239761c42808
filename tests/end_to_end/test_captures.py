"""``sampler capture``: what is no file, from a real process or disk to a real queue."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.wire.agent_messages import ObjectView
from sampler.worker import PeopleClient
from tests.support import commands
from tests.support.commands import Said

Until = Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]]

TARGET = """
import ctypes, mmap, sys
memory = mmap.mmap(-1, 8192, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(b"sampler-known-memory " * 100)
print(ctypes.addressof(ctypes.c_char.from_buffer(memory)), flush=True)
sys.stdin.read()
"""


async def run(lab: Lab, *arguments: str) -> Said:
    return await commands.run(*arguments, "--config", str(lab.agent_config))


@dataclass(frozen=True)
class Target:
    """A process of ours with a region that is writable and executable."""

    pid: int
    address: int


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TARGET, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield Target(process.pid, int(await process.stdout.readline()))
    process.kill()
    await process.wait()


async def downloaded(people: PeopleClient, folder: Path) -> dict[str, bytes]:
    """The bytes of every part of the one task, by the part's name; the whole is called so."""
    (task,) = (await people.tasks()).tasks
    found = {}
    for content in task.contents:
        file = folder / "download"
        await people.download(content.sha256, content.size, file)
        found[content.part.name if content.part else "whole"] = file.read_bytes()
        file.unlink()
    return found


def delivered(view: ObjectView) -> bool:
    return view.state in ("delivered", "duplicate")


async def test_code_in_memory_reaches_an_analyst(
    lab: Lab, people: PeopleClient, until: Until, target: Target, folder: Path
) -> None:
    """Memory that is writable and executable arrives as a part of its own, named by its address, byte for byte."""
    said = await run(lab, "capture", "memory", str(target.pid), "--json")
    assert said.code == 0, said.err
    view = json.loads(said.out)
    await until(view["id"], delivered)
    parts = await downloaded(people, folder)
    (name,) = (name for name in parts if "-rwx" in name)
    assert int(name.partition("-")[0], 16) <= target.address
    assert b"sampler-known-memory " * 100 in parts[name]
    assert any(each.endswith("-r-xp-main") for each in parts)
    (task,) = (await people.tasks()).tasks
    assert task.fields["process.pid"] == target.pid
    assert task.fields["event.category"] == ["process"]
    assert "file.path" not in task.fields


async def test_chosen_addresses_are_taken_and_nothing_else(
    lab: Lab, people: PeopleClient, until: Until, target: Target, folder: Path
) -> None:
    """A range of addresses is cut out of its region."""
    wanted = f"{target.address:x}-{target.address + 21:x}"
    said = await run(lab, "capture", "memory", str(target.pid), "--address", wanted, "--json")
    assert said.code == 0, said.err
    await until(json.loads(said.out)["id"], delivered)
    assert await downloaded(people, folder) == {f"{target.address:x}-rwxs-shared": b"sampler-known-memory "}


async def test_only_what_lies_around_a_match(
    lab: Lab, people: PeopleClient, until: Until, target: Target, folder: Path
) -> None:
    """With a window, so many bytes on each side of a rule's hit leave, and nothing else of the memory."""
    rules = folder / "own-rules"
    rules.mkdir()
    text = "sampler-known-memory sampler"
    (rules / "known.yar").write_text(f'rule Known_Memory {{ strings: $text = "{text}" condition: $text }}')
    await lab.kill("agent")
    settings = lab.agent_config.read_text()
    lab.agent_config.write_text(f'{settings}\n[examine]\nshipped_rules = false\nrules = ["{rules}"]\n')
    await lab.start_agent()
    around = ("--address", f"{target.address:x}-{target.address + 64:x}", "--match", "--window", "16")
    said = await run(lab, "capture", "memory", str(target.pid), *around, "--json")
    assert said.code == 0, said.err
    view = json.loads(said.out)
    assert [match["rule"] for match in view["matches"]] == ["Known_Memory"]
    await until(view["id"], delivered)
    (window,) = (await downloaded(people, folder)).values()
    assert window == (b"sampler-known-memory " * 100)[: len(window)]
    assert len(text) < len(window) <= 64


async def test_all_of_a_process_is_one_content(
    lab: Lab, people: PeopleClient, until: Until, target: Target, folder: Path
) -> None:
    """The whole is one content that hashes to what the manifest says, far above one chunk of an upload."""
    said = await run(lab, "capture", "memory", str(target.pid), "--whole", "--json")
    assert said.code == 0, said.err
    view: dict[str, Any] = json.loads(said.out)
    await until(view["id"], delivered)
    (whole,) = (await downloaded(people, folder)).values()
    assert hashlib.sha256(whole).hexdigest() == view["sha256"]
    assert len(whole) == view["size"] > 8 * 1024 * 1024
    assert b"sampler-known-memory " * 100 in whole


async def test_without_the_scope_nothing_leaves(bare_lab: Lab, target: Target) -> None:
    """Under a statement that does not know of memory, a capture is refused and says by which rule."""
    await bare_lab.set_up("basic")
    said = await run(bare_lab, "capture", "memory", str(target.pid))
    assert said.code == 5
    assert "memory" in said.out
    previewed = await run(bare_lab, "capture", "memory", str(target.pid), "--preview")
    assert previewed.code == 5
    assert "P3 scope-not-accepted" in previewed.out


async def test_a_preview_shows_regions_and_sends_nothing(lab: Lab, agent: AgentClient, target: Target) -> None:
    """What capturing would send is shown with its first bytes; the ledger stays empty."""
    said = await run(lab, "capture", "memory", str(target.pid), "--permission", "rwx", "--preview")
    assert said.code == 0, said.err
    assert "-rwxs-shared" in said.out
    assert "sampler-known-me" in said.out
    assert (await agent.objects()).objects == []


async def test_a_process_that_is_not_there(lab: Lab) -> None:
    """A number that no process has is an error before anything is asked."""
    said = await run(lab, "capture", "memory", "4194304")
    assert (said.code, said.err) == (2, "sampler: there is no process 4194304\n")


def partitioned(folder: Path) -> Path:
    """An image with an MBR of one partition, in which a FAT boot record lies."""
    image = folder / "disk.img"
    table = bytearray(512)
    table[446:462] = bytes([0x80, 0, 0, 0, 0x0C, 0, 0, 0]) + (2048).to_bytes(4, "little") + (4096).to_bytes(4, "little")
    table[510:512] = b"\x55\xaa"
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
        file.write(table)
        file.seek(2048 * 512)
        file.write(b"\xeb\x58\x90MSDOS5.0 known boot record")
    return image


async def test_boot_records_of_an_image(lab: Lab, people: PeopleClient, until: Until, folder: Path) -> None:
    """The MBR, the partition's boot record and the edges of the disk arrive by name, and nothing else of it does."""
    image = partitioned(folder)
    said = await run(lab, "capture", "boot", str(image), "--json")
    assert said.code == 0, said.err
    await until(json.loads(said.out)["id"], delivered)
    parts = await downloaded(people, folder)
    data = image.read_bytes()
    assert set(parts) == {"mbr@0", "sectors@512", "vbr:1@1048576", f"sectors@{8 * 1024 * 1024 - 33 * 512}"}
    for name, content in parts.items():
        offset = int(name.rpartition("@")[2])
        assert data[offset : offset + len(content)] == content
    assert b"known boot record" in parts["vbr:1@1048576"]


BUSY = """
import os, socket, sys
kept = open("/etc/passwd")
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(("93.184.215.14", 9))
child = os.fork()
if not child:
    sys.stdin.read()
    os._exit(0)
print(child, flush=True)
sys.stdin.read()
"""


async def test_what_a_process_does(lab: Lab, people: PeopleClient, until: Until, folder: Path) -> None:
    """The report names files, addresses, processes, modules, program; secrets in arguments and its environment stay."""
    process = await asyncio.create_subprocess_exec(
        "renamed-by-argv", "-c", BUSY, "--password", "hunter2-of-test",
        executable=sys.executable, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OF_TEST": "environment-is-never-read"},
    )  # fmt: skip
    assert process.stdout is not None
    child = int(await process.stdout.readline())
    try:
        said = await run(lab, "capture", "activity", str(process.pid), "--json")
    finally:
        await process.communicate(b"")  # the end of its input ends it, and the process below it
    assert said.code == 0, said.err
    await until(json.loads(said.out)["id"], delivered)
    whole = (await downloaded(people, folder))["whole"]
    report = json.loads(whole)
    facts = report["process"]
    assert (report["schema"], report["ended"]) == ("sampler.activity/1", False)
    assert "/etc/passwd" in facts["sampler.activity.files"]
    assert facts["sampler.activity.addresses"] == ["udp 93.184.215.14:9"]
    assert [line.split()[0] for line in facts["sampler.activity.processes"]] == [str(child)]
    assert any("libc" in module for module in facts["sampler.process.modules"])
    real = Path(sys.executable).resolve()
    assert facts["process.hash.sha256"] == hashlib.sha256(real.read_bytes()).hexdigest()
    assert facts["process.args"][0] == "renamed-by-argv"
    assert facts["process.executable"].endswith(real.name)
    assert facts["process.parent.pid"] == os.getpid()
    assert b"hunter2-of-test" not in whole
    assert b"environment-is-never-read" not in whole


async def test_trusted_programs_are_submitted_and_other_files_are_not(
    lab: Lab, agent: AgentClient, folder: Path
) -> None:
    """By default only what begins as programs do is submitted, with the reason that keeps rules from it."""
    place = folder / "trusted"
    place.mkdir()
    (place / "tool.sh").write_text("#!/bin/sh\necho trusted\n")
    (place / "notes.txt").write_text("nothing to run\n")
    said = await run(lab, "capture", "trusted", str(place))
    assert said.code == 0, said.err
    (view,) = (await agent.objects()).objects
    assert view.name.endswith("tool.sh")
    assert view.sampling == "whole"


async def test_trusted_files_need_their_scope(bare_lab: Lab, folder: Path) -> None:
    """Under a statement without the scope trusted, not even a hash of a trusted file leaves."""
    await bare_lab.set_up("basic")
    tool = folder / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    said = await run(bare_lab, "capture", "trusted", str(tool), "--json")
    assert said.code == 5
    assert json.loads(said.out)["rule"] == "P3 scope-not-accepted"
