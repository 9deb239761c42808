"""``sampler scan`` as a process: pipes, signals, and what it imports."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

START = """
import sys
from pathlib import Path
from sampler.runtime import places
places.cache_folder = lambda environment: Path({home!r}) / "cache"
places.config_folder = lambda environment: Path({home!r}) / "config"
{more}
from sampler.cli.main import main
main(["scan", *sys.argv[1:]])
"""
SETTLED = "from sampler.sweep import sweeping; sweeping._SETTLED_NS = -(10**12)"
"""Files that were made just now are remembered as well."""
Command = Callable[..., list[str]]


@pytest.fixture
def command(home: Path, rules: Path) -> Command:
    """The words that run ``sampler scan`` with places of its own."""

    def words(*arguments: object, more: str = SETTLED) -> list[str]:
        code = START.format(home=str(home), more=more)
        return [sys.executable, "-c", code, "--rules", str(rules), "-d", "setting=4", *map(str, arguments)]

    return words


def many(tree: Path, count: int) -> None:
    for number in range(count):
        (tree / f"{number:05}").write_bytes(b"hay!")


def test_whoever_reads_may_leave(tree: Path, command: Command) -> None:
    """A closed pipe ends the scan without a word, as with ``| head``."""
    many(tree, 3000)
    with subprocess.Popen(command("--json", "tree"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert said == b""


@pytest.mark.parametrize("recalled", [False, True])
def test_ctrl_c_ends_it(tree: Path, command: Command, recalled: bool) -> None:
    """Within a second, with 130, without a traceback and with no child left, also where nothing has to be scanned."""
    many(tree, 6000)
    if recalled:
        subprocess.run(command("tree"), check=False, capture_output=True, timeout=120)
    with subprocess.Popen(command("--json", "tree"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        assert bool(children) != recalled
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - asked < 5  # the machine may be busy; here it takes a tenth of a second
        assert process.returncode == 130
    assert b"Traceback" not in said
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_find_is_told_at_once(tree: Path, command: Command) -> None:
    """Through a pipe, a line with a match does not wait in a buffer for the end of the scan."""
    os.mkfifo(tree.parent / "list")
    process = subprocess.Popen(
        command("-i", "--files-from", "list"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    (tree.parent / "list").write_text("tree/found\ntree/clean\n")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "tree/found: needle FOUND\n"
        assert process.wait(30) == 1


def test_progress_on_a_terminal_only(tree: Path, command: Command) -> None:
    """A bar on a terminal's standard error, nothing of it in the results."""
    leader, follower = pty.openpty()
    said = subprocess.run(command("tree"), check=False, stdout=subprocess.PIPE, stderr=follower, timeout=60)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # as Linux says that nobody has the other end open (pty(7))
        while more := os.read(leader, 65536):
            shown += more
    os.close(leader)
    assert said.stdout.splitlines()[1] == b"tree/found: needle FOUND"
    assert b"3 found" in shown
    assert b"\x1b[" in shown


HEAVY = (
    "aiohttp", "asyncio", "rich", "structlog", "psutil", "cryptography", "yara", "magic", "pefile",
    "sampler.permit", "sampler.intake", "sampler.describe", "sampler.examine", "sampler.sandbox", "sampler.snapshot",
)  # fmt: skip


def test_it_imports_little() -> None:
    """What a scan of unchanged files does not need is not imported: it would take longer than the scan."""
    code = f"import sys, sampler.cli.main, sampler.cli.scan; print([m for m in {HEAVY!r} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "[]\n"


def test_a_scan_of_unchanged_files_starts_nothing(tree: Path, command: Command) -> None:
    """It tells the same as the first one, and none of what runs rules is imported on the way."""
    first = subprocess.run(command("--json", "tree"), check=False, capture_output=True, text=True, timeout=60)
    told = f"import atexit; atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))"
    words = command("--json", "tree", more=told)
    second = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert second.stdout.replace(',"recalled":true', "") == first.stdout
    assert second.stdout.count('"recalled":true') == 3
    assert second.stderr == "['yara']\n"  # its version is a part of what results depend on
    assert second.returncode == first.returncode == 1
