"""What a child that reads another process's memory can see, and what it cannot do all the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from sampler.errors import ChildDied
from sampler.sandbox import ChildPool, Profile
from sampler.sandbox.messages import Confinement
from sampler.sandbox.target_files import is_running, pid_of, see_only

Until = Callable[[Callable[[], bool]], Awaitable[None]]
WAITING = "import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7)); print(flush=True); signal.pause()"
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def target() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is signalled."""
    with subprocess.Popen([sys.executable, "-IS", "-c", WAITING], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def pidfd(target: subprocess.Popen[bytes]) -> Iterator[int]:
    descriptor = os.pidfd_open(target.pid)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
async def pool(entries: Path) -> AsyncIterator[ChildPool]:
    """Real children of the kind that reads processes, each of which does what it is told."""
    pool = ChildPool("hostile_entries:prepare", b"", children=1, profile=Profile.PROCESS)
    await pool.start()
    yield pool
    await pool.close()


def is_untouched(target: subprocess.Popen[bytes]) -> bool:
    """Whether it still waits, and neither is nor was stopped or traced."""
    status = Path(f"/proc/{target.pid}/status").read_text()
    return target.poll() is None and "State:\tS" in status and "TracerPid:\t0" in status


@pytest.mark.parametrize(
    "act",
    [
        "list /",
        "stat /proc",
        "chmod {file}",
        "unlink {file}",
        "create {file}",
        "overwrite {file}",
        "overwrite /proc/{pid}/mem",
        "memory-file x",
        "tcp 1",
        "udp 1",
        "unix {file}",
        "fork {pid}",
        "thread {pid}",
        "exec {pid}",
        "signal {pid}",
        "trace {pid}",
        "read-memory {pid} 4096",
        "executable-memory x",
        "made-executable x",
        "owner-of-signals {pid}",
        "new-namespace x",
    ],
)
async def test_it_only_reads(
    pool: ChildPool, target: subprocess.Popen[bytes], pidfd: int, tmp_path: Path, act: str
) -> None:
    """It opens nothing for writing, makes nothing, talks to nobody, and neither stops nor signals its target."""
    file = tmp_path / "file"
    file.write_bytes(b"untouched")
    with pytest.raises(ChildDied):
        await pool.call(act.format(file=file, pid=target.pid).encode(), pidfd)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert file.read_bytes() == b"untouched"
    assert is_untouched(target)


async def test_what_it_sees_of_its_target(pool: ChildPool, target: subprocess.Popen[bytes], pidfd: int) -> None:
    """It can open the files through which its target's memory is read."""
    maps = await pool.call(b"open /proc/%d/maps" % target.pid, pidfd)
    assert b"r-" in maps
    with pytest.raises(ChildDied, match=r"Errno 5|Input/output"):  # nothing lies at address 0, but it was opened
        await pool.call(b"open /proc/%d/mem" % target.pid, pidfd)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a process a root of its own that looks into others")
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/{pid}/root/etc/passwd", "/proc/{pid}/environ", "/proc/self/maps", "/dev/null"]
)
async def test_what_it_does_not_see(pool: ChildPool, target: subprocess.Popen[bytes], pidfd: int, path: str) -> None:
    """There is nothing else in its root: no file, and none of the ways by which /proc leads out."""
    with pytest.raises(ChildDied, match="FileNotFoundError"):
        await pool.call(b"open " + path.format(pid=target.pid).encode(), pidfd)


async def test_what_holds_it(pool: ChildPool, target: subprocess.Popen[bytes], pidfd: int, until: Until) -> None:
    """One capability is left where there were any, none can be gained, and what could not be had is told."""
    call = asyncio.create_task(pool.call(b"linger", pidfd))
    await until(lambda: bool(pool._busy))
    (child,) = pool._busy
    place = Path("/proc", str(child.pid))
    await until(lambda: "Seccomp:\t2" in (place / "status").read_text())
    status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines())
    limits = (place / "limits").read_text()
    call.cancel()
    capabilities = {int(status[name], 16) for name in ("CapPrm", "CapEff")}
    assert capabilities == ({1 << 19} if IS_ROOT else {0})
    assert [int(status[name], 16) for name in ("CapInh", "CapAmb")] == [0, 0]
    assert status["NoNewPrivs"] == "1"
    assert limits.partition("Max processes")[2].split()[:2] == ["0", "0"]
    missing = () if IS_ROOT else ("network and mount namespace (Operation not permitted)",)
    assert pool.confinement.missing == missing
    assert "seccomp" in pool.confinement.layers


async def test_one_child_for_one_process(pool: ChildPool, pidfd: int) -> None:
    """No child is given a second process."""
    first, second = [child.pid for child in pool._idle], await pool.call(b"nothing", pidfd)
    assert second == b"did it"
    assert pool.is_own(first[0]) is False
    assert await pool.call(b"nothing", pidfd) == b"did it"


async def test_a_target_that_is_gone(pool: ChildPool, target: subprocess.Popen[bytes], pidfd: int) -> None:
    """A child whose target has ended ends too, before it looks at anything."""
    target.kill()
    target.wait()
    with pytest.raises(ChildDied, match="died or broke off"):
        await pool.call(b"nothing", pidfd)


def test_numbers_and_ends(target: subprocess.Popen[bytes], pidfd: int) -> None:
    """A pidfd tells the number of its process, and whether it has ended."""
    assert pid_of(pidfd) == target.pid
    assert is_running(pidfd)
    target.kill()
    target.wait()
    assert not is_running(pidfd)
    assert pid_of(pidfd) == -1


def test_without_mounts_of_its_own(pidfd: int) -> None:
    """Where there is no namespace of its own to change, nothing is changed, and that is told."""
    outcome = Confinement((), ("network and mount namespace (Operation not permitted)",))
    assert see_only(pidfd, outcome) is outcome
    assert Path("/proc/self/status").exists()
