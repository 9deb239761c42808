"""Memory of a real process that runs, ends, becomes another program, loses pages, or is not ours to read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sampler.capture import Mapped, MemoryReading, OpenProcess, RegionClass, open_process, parse_maps, select_regions
from sampler.capture import memory as reading_module
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Failure, MemorySelection, Peer
from sampler.runtime.process_sighting import Sighting


@contextmanager
def opened(pid: int, peer: Peer) -> Iterator[OpenProcess]:
    process = open_process(pid, None, peer)
    assert isinstance(process, OpenProcess), process
    try:
        yield process
    finally:
        process.close()


def region_at(process: OpenProcess, address: int) -> Mapped:
    (found,) = (
        region for region in parse_maps(process.map_text, process.seen.path) if region.start <= address < region.end
    )
    return found


def test_a_region_is_read_byte_for_byte(target: Any, me: Peer) -> None:
    """What the process wrote is what is read; nothing is left out, and the process lives on as it was."""
    with opened(target.pid, me) as process:
        region = region_at(process, target.address)
        assert (region.permission, region.kind) == ("rwxp", RegionClass.ANONYMOUS)
        reading = MemoryReading(process.memory, (region,), uid=me.uid)
        data = b"".join(reading.pieces())
        start = target.address - region.start
        assert data[start : start + 600] == b"known " * 100
        assert (len(data), reading.omissions(), process.what_became()) == (region.size, (), None)


def test_the_default_selection_finds_it(target: Any, me: Peer) -> None:
    """Writable and executable memory, and the program's code, are taken without being asked for."""
    with opened(target.pid, me) as process:
        selected = select_regions(parse_maps(process.map_text, process.seen.path), MemorySelection())
    assert any(region.start <= target.address < region.end for region in selected.regions)
    assert any(region.kind is RegionClass.MAIN and region.permission[2] == "x" for region in selected.regions)


def test_a_page_that_went_away_becomes_zeros_and_is_named(target: Any, me: Peer) -> None:
    """A page that is not there any more costs that page and no other."""
    with opened(target.pid, me) as process:
        region = region_at(process, target.address)
        assert target.tell("unmap") == "0"
        reading = MemoryReading(process.memory, (region,), uid=me.uid)
        data = b"".join(reading.pieces())
        hole = target.address + (1 << 20)
        assert len(data) == region.size
        assert [omission.what for omission in reading.omissions()] == [f"memory:{hole:x}+4096"]
        assert not any(data[hole - region.start : hole - region.start + 4096])


@pytest.mark.parametrize(("how", "code"), [("end", "target-ended"), ("exec", "target-changed")])
def test_what_was_read_before_it_went_is_kept(target: Any, me: Peer, how: str, code: str) -> None:
    """A process that ends or runs another program midway: the first chunk stands, the rest is named."""
    with opened(target.pid, me) as process:
        region = region_at(process, target.address)
        reading = MemoryReading(process.memory, (region,), uid=me.uid)
        pieces = reading.pieces()
        first = next(pieces)
        if how == "end":
            target.end()
        else:
            assert target.tell("exec") == "other"
        rest = b"".join(pieces)
        assert (len(first), rest, reading.ended) == (COPY_CHUNK_BYTES, b"", True)
        ((_, place),) = reading.kept
        assert (place.offset, place.length) == (0, COPY_CHUNK_BYTES)
        (omission,) = reading.omissions()
        assert omission.reason == "the process ended"
        became = process.what_became()
        assert became is not None
        assert became.code == code


def test_another_users_process_is_refused(target: Any, nobody: Peer) -> None:
    """The agent reads nothing for a peer that the peer could not read itself."""
    failure = open_process(target.pid, None, nobody)
    assert isinstance(failure, Failure)
    assert failure.code == ("permission" if os.geteuid() == 0 else "other-user")


def test_a_process_that_hides_is_refused_to_its_own_user(me: Peer) -> None:
    """As root: a process of the peer's own user that is not dumpable is closed to the peer, as ptrace(2) has it."""
    if os.geteuid() != 0:
        assert isinstance(open_process(1, None, me), Failure)
        return
    program = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "os.setgroups([]), os.setgid(4711), os.setuid(4711)\n"
        "for line in sys.stdin:\n"
        "    print(libc.prctl(4, int(line), 0, 0, 0), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        owner = Peer(uid=4711, gid=4711, pid=os.getpid())
        for dumpable in (1, 0):
            process.stdin.write(f"{dumpable}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "0\n"
            outcome = open_process(process.pid, None, owner)
            if dumpable:
                assert isinstance(outcome, OpenProcess), outcome
                outcome.close()
            else:
                assert isinstance(outcome, Failure)
                assert outcome.code == "permission"
        process.stdin.close()


def test_the_agent_itself_is_refused(me: Peer) -> None:
    """Its keys do not leave, whoever asks."""
    failure = open_process(os.getpid(), None, me)
    assert isinstance(failure, Failure)
    assert failure.code == "own-process"


def test_another_process_with_the_same_number(target: Any, me: Peer) -> None:
    """A start time that is not the one the peer saw means another process."""
    seen = Sighting.of(target.pid)
    assert seen is not None
    failure = open_process(target.pid, seen.started + 1, me)
    assert isinstance(failure, Failure)
    assert failure.code == "target-ended"


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1, 2**22])
def test_there_is_no_such_process(pid: int, me: Peer) -> None:
    """A number that no process has is absent."""
    failure = open_process(pid, None, me)
    assert isinstance(failure, Failure)
    assert failure.code == "absent"


def test_a_read_that_hangs_costs_its_region(target: Any, me: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that is mapped from a file system that does not answer is given up; the next region is read."""
    go_on = threading.Event()
    real = os.pread
    with opened(target.pid, me) as process:
        region = region_at(process, target.address)
        hanging = Mapped(region.start, region.start + 4096, "r--p", 0, RegionClass.FILE)
        fine = Mapped(region.start + 8192, region.start + 12288, "rwxp", 0, RegionClass.ANONYMOUS)

        def pread(descriptor: int, length: int, offset: int) -> bytes:
            if offset == hanging.start:
                go_on.wait(30)
            return real(descriptor, length, offset)

        monkeypatch.setattr(reading_module, "MEMORY_READ_SECONDS", 0.05)
        monkeypatch.setattr(os, "pread", pread)
        reading = MemoryReading(process.memory, (hanging, fine), uid=me.uid)
        data = b"".join(reading.pieces())
        go_on.set()
        assert len(data) == 4096
        assert [mapped for mapped, _ in reading.kept] == [fine]
        assert [omission.what for omission in reading.omissions()] == [f"memory:{hanging.start:x}+4096"]


def test_the_deadline_of_all(target: Any, me: Peer) -> None:
    """Past the deadline no region is begun; each is named."""
    now = iter([0.0, 0.0, 99.0])
    with opened(target.pid, me) as process:
        region = region_at(process, target.address)
        pages = tuple(
            Mapped(region.start + at, region.start + at + 4096, "rwxp", 0, RegionClass.ANONYMOUS) for at in (0, 8192)
        )
        reading = MemoryReading(process.memory, pages, uid=me.uid, deadline_seconds=10, clock=lambda: next(now))
        assert len(b"".join(reading.pieces())) == 4096
        (omission,) = reading.omissions()
        assert "deadline" in omission.reason
