"""One run of the administrator's command, with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.agent.on_verdict_process import run_command
from sampler.agent.verdict_settings import OnVerdictSection

Script = Callable[[str], Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Makes a program of lines of shell."""

    def make(lines: str) -> Path:
        path = tmp_path / "command"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return path

    return make


async def test_it_is_told_by_input_and_environment(script: Script, tmp_path: Path) -> None:
    """Arguments are passed as they are, hostile ones too; nothing of the agent's environment comes through."""
    command = script(f'cat > {tmp_path}/told; printf "%s\\n" "$@" "$SAMPLER_PATH" > {tmp_path}/said; env | wc -l')
    settings = OnVerdictSection([str(command), "$(touch /nowhere)", "a b"])
    run = await run_command(settings, b'{"id": 1}', {"SAMPLER_PATH": "/tmp/$(id)\udcff"})
    assert run.status == 0
    assert (tmp_path / "told").read_bytes() == b'{"id": 1}'
    assert (tmp_path / "said").read_bytes() == b"$(touch /nowhere)\na b\n/tmp/$(id)\xff\n"
    assert int(run.tail) <= 5  # PATH, LANG, what was given, and what the shell adds


async def test_it_need_not_read(script: Script) -> None:
    """A command that ends before it has read anything is none the worse for it."""
    run = await run_command(OnVerdictSection([str(script("exit 0"))]), b"x" * 2**20, {})
    assert (run.status, run.timed_out) == (0, False)


async def test_its_status_and_last_words_come_back(script: Script) -> None:
    """Of much that it says, the end; on either stream."""
    run = await run_command(OnVerdictSection([str(script("yes | head -c 300000; echo sorry >&2; exit 3"))]), b"", {})
    assert run.status == 3
    assert run.tail.endswith(b"y\nsorry\n")
    assert len(run.tail) <= 2048


async def test_it_ends_in_time_with_its_children(script: Script, tmp_path: Path) -> None:
    """What does not end is killed, and what it started as well."""
    command = script(f"sleep 600 & echo $! > {tmp_path}/child; wait")
    run = await run_command(OnVerdictSection([str(command)], timeout_seconds=1.0), b"", {})
    assert (run.timed_out, run.status) == (True, 128 + 9)
    await _gone(int((tmp_path / "child").read_text()))


async def test_what_it_leaves_behind_does_not_hold_it_up(script: Script, tmp_path: Path) -> None:
    """A child in a session of its own that keeps the output open: the run has ended all the same."""
    command = script(f"setsid sleep 600 & echo $! > {tmp_path}/child; exit 0")
    run = await run_command(OnVerdictSection([str(command)], timeout_seconds=50.0), b"", {})
    assert (run.timed_out, run.status) == (False, 0)
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 9)


async def test_cancelling_kills_it(script: Script, tmp_path: Path) -> None:
    """An agent that stops leaves nothing running."""
    command = script(f"echo $$ > {tmp_path}/own.part; mv {tmp_path}/own.part {tmp_path}/own; sleep 600")
    running = asyncio.create_task(run_command(OnVerdictSection([str(command)]), b"", {}))
    end = time.monotonic() + 30
    while not (tmp_path / "own").exists():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await _gone(int((tmp_path / "own").read_text()))


async def test_limits_hold(script: Script) -> None:
    """Memory and core files are bounded."""
    settings = OnVerdictSection([str(script("ulimit -v; ulimit -c; ulimit -t"))], memory_max_bytes=2**28, cpu_seconds=7)
    run = await run_command(settings, b"", {})
    assert run.tail.split() == [b"262144", b"0", b"7"]


async def test_as_another_user() -> None:
    """Root becomes the user with its groups and cannot come back; anybody else cannot become another."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as folder:  # where others may look, unlike in tmp_path
        Path(folder).chmod(0o755)
        command = Path(folder) / "command"
        command.write_text("#!/bin/sh\nid -u; id -g; grep -c '^CapEff:.0000000000000000' /proc/self/status\n")
        command.chmod(0o755)
        run = await run_command(OnVerdictSection([str(command)], user="nobody"), b"", {})
    if os.geteuid() == 0:
        assert run.tail.split() == [str(nobody.pw_uid).encode(), str(nobody.pw_gid).encode(), b"1"]
    else:
        assert (run.status, b"cannot be started" in run.tail) == (127, True)


async def test_a_program_that_is_gone(tmp_path: Path) -> None:
    """It says what could not be started, as a shell would."""
    run = await run_command(OnVerdictSection([str(tmp_path / "none")]), b"", {})
    assert run.status == 127
    assert b"cannot be started" in run.tail


async def _gone(pid: int) -> None:
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] != b"Z":
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
