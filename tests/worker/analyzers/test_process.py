"""Programs under limits, and what becomes of what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sampler.worker import AnalyzerVerdict, ExecAnalyzer
from sampler.worker.analyzers.process import Owner, ProcessLimits, Run, gives_namespaces, run_limited

ESCAPE = "setsid sh -c 'echo $$ >pid.part; mv pid.part pid; exec sleep 1000' & while [ ! -e pid ]; do :; done"


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    return False


async def _run(command: Path, folder: Path, **limits: Any) -> Run:
    return await run_limited([str(command)], folder, {"PATH": "/usr/bin:/bin"}, ProcessLimits(**limits))


async def test_status_and_streams_are_told_apart(program: Any, folder: Path) -> None:
    """Exit status, output and last words come back as they were."""
    run = await _run(program("echo out; echo words >&2; exit 7"), folder)
    assert run == Run(7, b"out\n", b"words\n")


async def test_a_grandchild_does_not_outlive_a_time_limit(program: Any, folder: Path) -> None:
    """A descendant in a session of its own is killed with the program that ran past its time."""
    run = await _run(program(f"{ESCAPE}; exec sleep 1000"), folder, seconds=1.0)
    assert run.timed_out
    assert not _alive(int((folder / "pid").read_text()))


async def test_a_grandchild_does_not_outlive_its_program(program: Any, folder: Path) -> None:
    """When a program ends well, what it left running is killed, and its open output holds nothing up."""
    run = await _run(program(f"{ESCAPE}; echo done"), folder, seconds=60)
    assert (run.status, run.stdout, run.timed_out) == (0, b"done\n", False)
    assert not _alive(int((folder / "pid").read_text()))


async def test_cancelling_kills_everything(program: Any, folder: Path, until: Any) -> None:
    """A cancelled run leaves no process behind and says that it was cancelled."""
    task = asyncio.create_task(_run(program(f"{ESCAPE}; exec sleep 1000"), folder))
    await until((folder / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _alive(int((folder / "pid").read_text()))


async def test_a_killed_worker_leaves_nothing(program: Any, folder: Path, until: Any) -> None:
    """When the worker itself is killed at once, the program and its descendants end as well."""
    script = program(f"{ESCAPE}; echo $$ >main; exec sleep 1000")
    code = (
        "import asyncio, sys; from pathlib import Path; from sampler.worker.analyzers.process import *; "
        "asyncio.run(run_limited([sys.argv[1]], Path(sys.argv[2]), {'PATH': '/usr/bin:/bin'}, ProcessLimits()))"
    )
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(script), str(folder))
    await until(lambda: (folder / "main").exists() and (folder / "main").read_text())
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    left = [int((folder / name).read_text()) for name in ("main", "pid")]
    await until(lambda: not any(_alive(pid) for pid in left))


async def test_a_program_that_ignores_signals_is_killed(program: Any, folder: Path) -> None:
    """Nothing that can be ignored is relied on."""
    run = await _run(program("trap '' TERM INT HUP; while :; do sleep 1000; done"), folder, seconds=0.5)
    assert run.timed_out


async def test_a_launcher_that_does_not_answer_is_killed(program: Any, folder: Path, monkeypatch: Any) -> None:
    """A program that stops the process which watches it is killed with its whole process group."""
    monkeypatch.setattr("sampler.worker.analyzers.process._STOP_SECONDS", 0.3)
    run = await _run(program("echo $$ >main; kill -STOP $PPID; exec sleep 1000"), folder, seconds=0.5)
    assert run.timed_out
    assert run.status == 128 + signal.SIGKILL
    assert not _alive(int((folder / "main").read_text()))


async def test_limits_are_set(program: Any, folder: Path) -> None:
    """CPU time, address space, file size and core dumps are limited, soft and hard, for whatever the program starts."""
    script = program("sh -c 'for limit in t v f c; do ulimit -S -$limit; ulimit -H -$limit; done'")
    run = await _run(script, folder, cpu_seconds=11, memory_max_bytes=2**30, file_max_bytes=1024 * 1024)
    assert run.stdout.split() == [b"11", b"11", b"1048576", b"1048576", b"2048", b"2048", b"0", b"0"]


async def test_a_file_over_the_limit_is_not_written(program: Any, folder: Path) -> None:
    """A program that fills the disk is ended at the limit of one file."""
    run = await _run(program("exec head -c 5000000 /dev/zero >big"), folder, file_max_bytes=1024 * 1024)
    assert run.status == 128 + signal.SIGXFSZ
    assert (folder / "big").stat().st_size == 1024 * 1024


async def test_cpu_time_is_limited(program: Any, folder: Path) -> None:
    """A program that spins is ended by its CPU limit before its time limit."""
    run = await _run(program("while :; do :; done"), folder, cpu_seconds=1, seconds=60)
    assert run.status in (128 + signal.SIGXCPU, 128 + signal.SIGKILL)
    assert not run.timed_out


async def test_no_descriptor_and_no_input_is_inherited(program: Any, folder: Path) -> None:
    """A program has its three standard streams, the first at its end, and nothing else of the worker."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        run = await _run(program("cat; ls /proc/self/fd"), folder)
    finally:
        os.close(reader)
        os.close(writer)
    assert run.stdout.split() == [b"0", b"1", b"2", b"3"]  # 3 is ls's own, on the folder it lists


async def test_a_program_that_cannot_start_says_so(folder: Path) -> None:
    """A file that is not executable is an ordinary failure with its reason."""
    (folder / "data").write_text("x")
    run = await _run(folder / "data", folder)
    assert run.status == 127
    assert b"cannot be started" in run.stderr_tail


async def test_output_is_cut_at_the_ceiling(program: Any, folder: Path) -> None:
    """Exactly the ceiling is taken; one byte more ends the program."""
    script = program("printf 12345; exec sleep ${WAIT:-0}")
    assert (await _run(script, folder, stdout_max_bytes=5)).stdout == b"12345"
    endless = program("printf 123456; exec sleep 1000", name="endless")
    run = await _run(endless, folder, stdout_max_bytes=5, seconds=60)
    assert (run.stdout, run.timed_out) == (b"123456", False)


@pytest.fixture
async def listener() -> AsyncIterator[int]:
    """The port of somebody who answers on loopback, and in this test's network namespace alone."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("network", [False, True])
async def test_the_network_is_there_only_when_it_was_asked_for(folder: Path, listener: int, network: bool) -> None:
    """Without it, not even loopback of the worker's machine can be reached, where the kernel has namespaces."""
    words = f"import socket; socket.create_connection(('127.0.0.1', {listener}), 5)"
    command = [sys.executable, "-I", "-c", words]
    run = await run_limited(command, folder, {}, ProcessLimits(network=network))
    assert (run.status == 0) == (network or not await gives_namespaces())


async def test_a_program_keeps_its_own_user(program: Any, folder: Path) -> None:
    """In its namespace it is who it was, can write its folder, and gains no privilege by what it executes."""
    body = "id -u; id -g; grep NoNewPrivs /proc/self/status; echo x > here"
    run = await run_limited([str(program(body))], folder, {"PATH": "/usr/bin:/bin"}, ProcessLimits())
    assert run.stdout.split() == [str(os.getuid()).encode(), str(os.getgid()).encode(), b"NoNewPrivs:", b"1"]
    assert (folder / "here").read_bytes() == b"x\n"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can come to: below the system's temporary one, which everybody may pass."""
    made = Path(tempfile.mkdtemp(prefix="sampler-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def _ordinary_user() -> Owner | None:
    """Whom a program runs as so that limits count: this user, or nobody where this is root."""
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid) if os.geteuid() == 0 else None


async def test_processes_are_counted(open_folder: Path) -> None:
    """A program that forks without end is refused more than it may have, where the kernel has namespaces."""
    body = "for each in 1 2 3 4 5 6 7 8 9 10; do sleep 30 & done; echo all"
    limits = ProcessLimits(processes_max_count=6, owner=_ordinary_user())
    run = await run_limited(["/bin/sh", "-c", body], open_folder, {"PATH": "/usr/bin:/bin"}, limits)
    assert (b"all" in run.stdout) == (not await gives_namespaces())


async def test_another_user_has_the_task_and_nothing_else(open_folder: Path, task: Any) -> None:
    """A worker's program that runs as somebody else can read the contents and write the folder."""
    asked = task(whole=b"sample")
    file = open_folder / asked.contents[0].sha256
    file.write_bytes(b"sample")
    file.chmod(0o600)
    script = open_folder / "analyze.sh"
    said = '{"conclusion": "benign", "score": 0, "note": "%s"}'
    script.write_text(f"""cp "$1" copy && printf '{said}' "$(cat copy) $(id -u)"\n""")
    owner, command = _ordinary_user(), f"/bin/sh {script} {{sample}}"
    verdict = await ExecAnalyzer(command, limits=ProcessLimits(owner=owner)).analyze(
        asked, open_folder, {file.name: file}
    )
    assert isinstance(verdict, AnalyzerVerdict), verdict
    assert verdict.note == f"sample {os.getuid() if owner is None else owner.uid}"
