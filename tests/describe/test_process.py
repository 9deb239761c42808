from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sampler.describe import process_fields
from sampler.describe.process import ARGUMENTS_MAX_COUNT
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS

Child = subprocess.Popen[bytes]


def facts(pid: int) -> dict[str, Any]:
    return {field.name: field.value for field in process_fields(pid)}


@pytest.fixture
def cat() -> str:
    """A program that waits for the end of its input."""
    found = shutil.which("cat")
    assert found is not None
    return found


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Processes that end with the test."""
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()
        with child:
            pass


def start(children: list[Child], *arguments: bytes | str, folder: Path | None = None) -> Child:
    """A ``cat`` that has answered once, so that its program is loaded and its arguments are in place."""
    child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
    children.append(child)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"ready\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"ready\n"
    return child


def end(child: Child) -> None:
    """Let it end and wait until it has, without taking its status: it stays a zombie."""
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def test_facts_of_a_running_process(children: list[Child], cat: str, tmp_path: Path) -> None:
    """Name, program, arguments, folder, user, start and parent are those of the process that runs."""
    child = start(children, cat, "-", "two words", "new\nline", folder=tmp_path)
    found = facts(child.pid)
    assert found["process.pid"] == child.pid
    assert found["process.name"] == "cat"
    assert found["process.executable"] == os.path.realpath(cat)
    assert found["process.args"] == (cat, "-", "two words", r"new\nline")
    assert found["process.command_line"] == rf"{cat} - 'two words' 'new\nline'"
    assert found["process.working_directory"] == str(tmp_path)
    assert found["process.user.name"] == psutil.Process().username()
    assert found["process.start"].endswith("Z")
    assert found["process.parent.pid"] == os.getpid()
    assert found["process.parent.start"] <= found["process.start"]
    assert found["process.parent.executable"] == os.path.realpath("/proc/self/exe")


def test_long_names_are_whole(children: list[Child], cat: str, tmp_path: Path) -> None:
    """A name that the kernel cuts at 15 characters is completed from the command line."""
    program = tmp_path / "a-name-of-more-than-fifteen"
    program.symlink_to(cat)
    assert facts(start(children, str(program)).pid)["process.name"] == program.name


def test_a_hostile_command_line_is_bounded(children: list[Child], cat: str) -> None:
    """Thousands of arguments and bytes that are not UTF-8 give bounded, escaped text."""
    child = start(children, cat, "-", b"\xff\x1b[2J", *(["x" * 1000] * 1000))
    found = facts(child.pid)
    assert found["process.args"][2] == r"\xff\x1b[2J"
    assert len(found["process.args"]) <= ARGUMENTS_MAX_COUNT
    assert len(found["process.command_line"]) == FIELD_VALUE_MAX_CHARACTERS


def test_a_process_that_is_gone_leaves_its_number(children: list[Child], cat: str) -> None:
    """Of an identifier that means no process only the identifier is known."""
    child = start(children, cat)
    end(child)
    child.wait(timeout=30)
    assert facts(child.pid) == {"process.pid": child.pid}


def test_a_process_that_has_ended_gives_what_is_left(children: list[Child], cat: str) -> None:
    """A zombie still has its name, start and parent, and no arguments."""
    child = start(children, cat)
    end(child)
    found = facts(child.pid)
    assert found["process.name"] == "cat"
    assert found["process.parent.pid"] == os.getpid()
    assert "process.args" not in found


def test_a_process_that_ends_while_it_is_read_gives_a_part(
    children: list[Child], cat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the end stands; nothing is raised."""
    child = start(children, cat)
    real = psutil.Process.exe

    def end_first(process: psutil.Process) -> str:
        if process.pid == child.pid:
            end(child)
            child.wait(timeout=30)
        return real(process)

    monkeypatch.setattr(psutil.Process, "exe", end_first)
    found = facts(child.pid)
    assert found["process.args"] == (cat,)
    assert "process.executable" not in found
    assert "process.working_directory" not in found


def test_facts_of_two_processes_are_never_mixed(
    children: list[Child], cat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the identifier means another process after reading, only the identifier is told."""
    child = start(children, cat)
    asked: list[int] = []

    class Replaced(psutil.Process):
        """A process whose identifier means a later one from the second question on."""

        def __init__(self, pid: int | None = None) -> None:
            super().__init__(pid)
            asked.append(self.pid)
            if asked.count(child.pid) > 1:
                self._ident = (self.pid, 1.0)

    monkeypatch.setattr(psutil, "Process", Replaced)
    assert facts(child.pid) == {"process.pid": child.pid}
    assert asked.count(child.pid) > 1


def test_without_proc_psutil_answers(children: list[Child], cat: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no proc(5), name and arguments come from psutil and are the same."""
    child = start(children, cat, "-", "two words")
    expected = facts(child.pid)
    monkeypatch.setattr("sampler.describe.process._read", lambda *_: None)
    assert facts(child.pid) == expected


@pytest.mark.parametrize("pid", [1, 2**31 - 1, 0])
def test_any_identifier_has_an_answer(pid: int) -> None:
    """The first process, an unused identifier and none at all are answered without raising."""
    assert facts(pid)["process.pid"] == pid
