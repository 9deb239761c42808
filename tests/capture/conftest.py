"""A process of ours with known memory, and peers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sampler.model import Peer

TARGET = """
import ctypes, mmap, os, sys
memory = mmap.mmap(-1, 3 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                   prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(b"known " * 100)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None, use_errno=True)
print(address, flush=True)
for line in sys.stdin:
    if line == "exec\\n":
        os.execv(sys.executable, [sys.executable, "-c", "print('other', flush=True); input()"])
    if line == "hide\\n":
        print(libc.prctl(4, 0, 0, 0, 0), flush=True)  # PR_SET_DUMPABLE
    if line == "unmap\\n":
        print(libc.munmap(ctypes.c_void_p(address + (1 << 20)), 4096), flush=True)
"""


class Target:
    """The process; ``tell`` sends it a word and waits for its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.pid = process.pid
        self.address = int(process.stdout.readline())

    def tell(self, word: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def me() -> Peer:
    return Peer(uid=os.geteuid(), gid=os.getegid(), pid=os.getpid(), groups=tuple(os.getgroups()))


@pytest.fixture
def nobody() -> Peer:
    return Peer(uid=65534, gid=65534, pid=os.getpid())


@pytest.fixture
def target() -> Iterator[Target]:
    process = subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    made = Target(process)
    yield made
    made.end()
