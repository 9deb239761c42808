"""Hostile code in a real child: what it tries fails, and leaves no trace outside.

``test_the_acts_work_without_confinement`` runs the same acts in a process that is not confined, so that an act which
would fail anyway proves nothing here.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sampler.errors import ChildDied, SandboxError
from sampler.sandbox import ChildPool
from sampler.sandbox.messages import Confinement

SECRET = b"sixteen byte key"
VICTIM = "import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7)); print(flush=True); signal.pause()"


@dataclass
class Target:
    """What hostile code goes for, and whether it got there."""

    folder: Path
    victim: subprocess.Popen[bytes]
    tcp: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    udp: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    unix: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))
    secret: ctypes.Array[ctypes.c_char] = field(default_factory=lambda: ctypes.create_string_buffer(SECRET, 16))

    def __post_init__(self) -> None:
        self.file.write_bytes(SECRET)
        self.file.chmod(0o600)
        self.udp.bind(("127.0.0.1", 0))
        self.unix.bind(os.fspath(self.folder / "socket"))
        self.unix.listen()
        for each in (self.tcp, self.udp, self.unix):
            each.setblocking(False)

    @property
    def file(self) -> Path:
        return self.folder / "file"

    def words(self) -> dict[str, str]:
        """What may stand for the target of an act."""
        return {
            "file": str(self.file),
            "folder": str(self.folder),
            "tcp": str(self.tcp.getsockname()[1]),
            "udp": str(self.udp.getsockname()[1]),
            "unix": str(self.folder / "socket"),
            "victim": str(self.victim.pid),
            "parent": str(os.getpid()),
            "memory": f"{os.getpid()} {ctypes.addressof(self.secret)}",
            "process": f"/proc/{self.victim.pid}/environ",
        }

    def traces(self) -> list[str]:
        """What has happened to any of it."""
        seen = {
            "file": self.file.exists()
            and self.file.read_bytes() == SECRET
            and self.file.stat().st_mode & 0o777 == 0o600,
            "folder": {each.name for each in self.folder.iterdir()} == {"file", "socket"},
            "tcp": not _arrives(self.tcp.accept),
            "udp": not _arrives(lambda: self.udp.recv(16)),
            "unix": not _arrives(self.unix.accept),
            "victim": self.victim.poll() is None and _tracer(self.victim.pid) == 0,
            "parent": _tracer(os.getpid()) == _TRACER_OF_TESTS,
        }
        return [name for name, untouched in seen.items() if not untouched]

    def close(self) -> None:
        self.victim.kill()
        self.victim.communicate()
        for each in (self.tcp, self.udp, self.unix):
            each.close()


def _arrives(receive: Callable[[], object]) -> bool:
    try:
        receive()
    except BlockingIOError:
        return False
    return True


def _tracer(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("TracerPid:")[2].split()[0])


_TRACER_OF_TESTS = _tracer(os.getpid())


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A file, three sockets, a process and a secret in this process's memory."""
    victim = subprocess.Popen([sys.executable, "-IS", "-c", VICTIM], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    victim.stdout.readline()
    target = Target(tmp_path, victim)
    yield target
    target.close()


ACTS = [
    ("open", "file"),
    ("open", "process"),
    ("list", "folder"),
    ("stat", "file"),
    ("stat-beside-the-descriptor", "file"),
    ("chmod", "file"),
    ("fchmod", "file"),
    ("unlink", "file"),
    ("create", "file"),
    ("overwrite", "file"),
    ("memory-file", "file"),
    ("tcp", "tcp"),
    ("udp", "udp"),
    ("unix", "unix"),
    ("fork", "victim"),
    ("thread", "victim"),
    ("exec", "victim"),
    ("signal", "victim"),
    ("trace", "victim"),
    ("read-memory", "memory"),
    ("executable-memory", "file"),
    ("made-executable", "file"),
    ("owner-of-signals", "victim"),
    ("new-namespace", "file"),
]


@pytest.fixture
async def pool(entries: Path) -> AsyncIterator[ChildPool]:
    """One real child that does what it is told."""
    pool = ChildPool("hostile_entries:prepare", b"", children=1)
    await pool.start()
    yield pool
    await pool.close()


def mode_of(descriptor: int) -> int:
    return os.fstat(descriptor).st_mode


@pytest.mark.parametrize(("act", "aim"), ACTS)
async def test_hostile_code_gets_nowhere(pool: ChildPool, target: Target, descriptor: int, act: str, aim: str) -> None:
    """Each act ends in the child's death or an error, nothing outside has changed, and the next object is examined."""
    mode = mode_of(descriptor)
    with pytest.raises(ChildDied):
        await pool.call(f"{act} {target.words()[aim]}".encode(), descriptor)
    assert await pool.call(b"nothing", descriptor) == b"did it"
    assert target.traces() == []
    assert mode_of(descriptor) == mode


@pytest.mark.parametrize(("act", "aim"), ACTS)
async def test_the_second_thread_gets_nowhere(
    pool: ChildPool, target: Target, descriptor: int, act: str, aim: str
) -> None:
    """What holds a child holds its second thread, the one that drops pages, in the same way."""
    mode = mode_of(descriptor)
    assert await pool.call(b"second-thread nothing", descriptor) == b"did it"
    with pytest.raises(ChildDied):
        await pool.call(f"second-thread {act} {target.words()[aim]}".encode(), descriptor)
    assert await pool.call(b"nothing", descriptor) == b"did it"
    assert target.traces() == []
    assert mode_of(descriptor) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="tracing other processes may be root's alone")
@pytest.mark.parametrize(("act", "aim"), ACTS)
def test_the_acts_work_without_confinement(entries: Path, target: Target, descriptor: int, act: str, aim: str) -> None:
    """The same acts by a process that nothing confines go through, or leave their trace."""
    place = os.open(target.folder, os.O_RDONLY) if "beside" in act else descriptor
    words = target.words()[aim]
    script = f"import sys; sys.path[:0] = {[os.fspath(entries)]!r}\nfrom hostile_entries import handle\n"
    script += f"print(handle({f'{act} {words}'.encode()!r}, {place}).decode('latin-1'))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, pass_fds=(place,), check=False
    )
    assert run.returncode == 0, run.stderr
    if not run.stdout.strip():
        target.victim.wait(10)
    assert run.stdout.strip() or target.traces()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is a mode of x86_64")
async def test_numbers_of_x32(pool: ChildPool, descriptor: int) -> None:
    """A call by an x32 number ends the child, although the same call by its own number is allowed."""
    with pytest.raises(ChildDied, match="died or broke off"):
        await pool.call(b"foreign-numbers", descriptor)


async def test_what_holds_children_is_told(pool: ChildPool) -> None:
    """The pool knows what its children are confined to; on this kernel no layer is missing."""
    assert pool.confinement.missing == ()
    assert {"seccomp", "no capabilities", "no new privileges", "limits"} < set(pool.confinement.layers)
    assert str(Confinement(("limits",), ("Landlock (the kernel has none)",))) == (
        "limits; missing: Landlock (the kernel has none)"
    )


async def test_required_layers_that_are_missing(entries: Path) -> None:
    """Where a kernel lacks a layer, children are had, unless all layers are required: then the error names it."""
    entry = "hostile_entries:prepare_without_landlock"
    pool = ChildPool(entry, b"", children=1)
    await pool.start()
    missing = pool.confinement.missing
    await pool.close()
    assert missing == ("Landlock (Function not implemented)",)
    strict = ChildPool(entry, b"", children=1, require_sandbox=True)
    with pytest.raises(SandboxError, match=r"missing: Landlock \(Function not implemented\)"):
        await strict.start()
