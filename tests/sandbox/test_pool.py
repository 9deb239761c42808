"""The pool with real processes: what children do to themselves, to the agent and to each other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
import structlog

from sampler.errors import ChildDied, ChildTimedOut, SandboxError
from sampler.limits import CHILD_CPU_MAX_SECONDS, FRAME_MAX_BYTES
from sampler.sandbox import ChildPool
from sampler.sandbox import pool as pool_module
from sampler.sandbox.framing import header_of
from sampler.sandbox.messages import Confinement, Forked, Warmed, encode

MakePool = Callable[..., Awaitable[ChildPool]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


NONSENSE = """
import socket, sys
control = socket.socket(fileno=int(sys.argv[4]))
control.sendall({answer!r})
control.shutdown(socket.SHUT_WR)
while control.recv(4096):
    pass
"""


def encoded(message: Forked | Warmed) -> bytes:
    data = encode(message)
    return header_of(data) + data


def nurseries() -> list[psutil.Process]:
    """The living nurseries that this process started."""
    return [process for process in psutil.Process().children() if has_life(process) and is_nursery(process)]


def processes() -> set[int]:
    """They and their living children."""
    found = nurseries()
    for nursery in list(found):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child for child in nursery.children() if has_life(child)]
    return {process.pid for process in found}


def is_nursery(process: psutil.Process) -> bool:
    try:
        return "sampler.sandbox.nursery" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def has_life(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_answers(make_pool: MakePool, descriptor: int) -> None:
    """The entry's report comes back from the start, and children read the object they are given."""
    pool = await make_pool(settings=b"as told")
    assert pool.report == b"as told"
    assert pool.alive == 2
    assert await pool.call(b"read", descriptor) == b"content"


async def test_a_child_that_is_killed(make_pool: MakePool, until: Until) -> None:
    """A child that dies with an object costs that object only: it is not tried again, and the child is replaced."""
    pool = await make_pool()
    reader, writer = os.pipe()
    with pytest.raises(ChildDied, match="while it held an object"):
        await pool.call(b"die", writer)
    await until(lambda: pool.alive == 2)
    assert await pool.call(b"pid", writer)
    os.close(writer)
    assert os.read(reader, 10) == b"x"
    os.close(reader)


async def test_a_child_that_never_ends(make_pool: MakePool, descriptor: int, until: Until) -> None:
    """A child past its deadline is killed and replaced."""
    pool = await make_pool(children=1, deadline_seconds=0.3)
    pid = int(await pool.call(b"pid", descriptor))
    with pytest.raises(ChildTimedOut, match=r"after 0\.3 s"):
        await pool.call(b"hang", descriptor)
    await until(lambda: pid not in processes() and pool.alive == 1)
    assert int(await pool.call(b"pid", descriptor)) != pid


async def test_an_object_that_may_take_longer(make_pool: MakePool, descriptor: int) -> None:
    """A large object can be given more time than others have."""
    pool = await make_pool(children=1, deadline_seconds=0.2)
    with pytest.raises(ChildTimedOut, match=r"after 0\.3 s"):
        await pool.exchange(b"hang", descriptor, bytes, more_seconds=0.1)


async def test_processor_time_is_limited(make_pool: MakePool, descriptor: int) -> None:
    """A child that nobody watches any more does not use a processor for ever."""
    pool = await make_pool(children=1)
    pid = int(await pool.call(b"pid", descriptor))
    assert resource.prlimit(pid, resource.RLIMIT_CPU) == (CHILD_CPU_MAX_SECONDS, CHILD_CPU_MAX_SECONDS)


async def test_a_child_that_was_at_work_for_long(
    make_pool: MakePool, descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child is replaced long before the kernel would end it for the processor time that it used."""
    pool = await make_pool(children=1)
    pid = int(await pool.call(b"pid", descriptor))
    monkeypatch.setattr(pool_module, "CHILD_CPU_MAX_SECONDS", 0)
    assert int(await pool.call(b"pid", descriptor)) == pid
    assert int(await pool.call(b"pid", descriptor)) != pid


async def test_a_child_that_exhausts_memory(make_pool: MakePool, descriptor: int) -> None:
    """A child cannot allocate more than it may; it gives up and the next object is examined."""
    pool = await make_pool(children=1, memory_max_bytes=256 << 20)
    with pytest.raises(ChildDied, match="MemoryError"):
        await pool.call(b"exhaust", descriptor)
    assert await pool.call(b"read", descriptor) == b"content"


async def test_a_child_that_gives_up(make_pool: MakePool, descriptor: int) -> None:
    """An error in the handler comes back with its type and message, and that child is not used again."""
    pool = await make_pool(children=1)
    pid = await pool.call(b"pid", descriptor)
    with pytest.raises(ChildDied, match=r"gave up on an object: ArithmeticError: this object \\udcff"):
        await pool.call(b"raise", descriptor)
    assert await pool.call(b"pid", descriptor) != pid


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"raw ", "after 0 of 4 bytes"),
        (b"raw \0\0", "after 2 of 4 bytes"),
        (b"raw \0\0\0\x09half", "after 4 of 9 bytes"),
        (b"raw GET / HTTP/1.1", "at most"),
        (b"raw \0\0\0\0", "was not asked"),
        (b"raw \0\0\0\x01\0", "was not asked"),
        (b"overlong", "at most"),
        (b"too-long", "FrameError"),
        (b"no-such-action", "KeyError"),
    ],
)
async def test_answers_that_are_none(make_pool: MakePool, descriptor: int, request_: bytes, why: str) -> None:
    """Garbage, half a frame and more than a frame may hold cost the child its life and nothing else."""
    pool = await make_pool(children=1)
    with pytest.raises(ChildDied, match=why):
        await pool.call(request_, descriptor)
    assert await pool.call(b"read", descriptor) == b"content"


async def test_an_answer_that_nobody_asked_for(make_pool: MakePool, descriptor: int, until: Until) -> None:
    """A child that answers for an object it was not given yet is killed instead of being believed."""
    pool = await make_pool(children=1)
    assert await pool.call(b"twice", descriptor) == b"forged"
    with pytest.raises(ChildDied, match="was not asked"):
        await pool.call(b"read", descriptor)
    assert await pool.call(b"read", descriptor) == b"content"


async def test_an_answer_that_the_reader_refuses(make_pool: MakePool, descriptor: int) -> None:
    """A child whose answer is not credible is killed."""
    pool = await make_pool(children=1)
    pid = await pool.call(b"pid", descriptor)
    with pytest.raises(ChildDied, match="not credible: invalid literal"):
        await pool.exchange(b"read", descriptor, int)
    assert await pool.exchange(b"pid", descriptor, int) != int(pid)


async def test_the_longest_answer(make_pool: MakePool, descriptor: int) -> None:
    """The longest answer there can be arrives whole, and is refused like any other where its reader refuses it."""
    pool = await make_pool(children=1)
    assert len(await pool.call(b"long", descriptor)) > FRAME_MAX_BYTES - 32
    with pytest.raises(ChildDied, match="not credible"):
        await pool.exchange(b"long", descriptor, int)


async def test_a_child_that_fills_the_log(make_pool: MakePool, descriptor: int) -> None:
    """A bounded part of what a child writes is logged, that the rest is dropped is said, and nothing gets stuck."""
    with structlog.testing.capture_logs() as logged:
        pool = await make_pool(children=1)
        assert await pool.call(b"babble", descriptor) == b"said it all"
        await pool.close()
    said = [entry for entry in logged if entry["event"].startswith("sandbox")]
    assert said[0]["line"] == "\ufffd nonsense"
    assert len(said) == 1001
    assert said[-1]["event"].endswith("is dropped")


async def test_a_descriptor_that_nobody_asked_for(make_pool: MakePool, descriptor: int) -> None:
    """A child cannot slip a descriptor in with its answer: the call that would carry it ends the child."""
    pool = await make_pool(children=1)
    before = open_descriptors()
    with pytest.raises(ChildDied):
        await pool.call(b"hand-over", descriptor)
    assert await pool.call(b"read", descriptor) == b"content"
    assert open_descriptors() == before


async def test_a_request_that_is_too_long(make_pool: MakePool, descriptor: int) -> None:
    """A request above the ceiling is refused before a child sees any of it."""
    pool = await make_pool(children=1)
    pid = await pool.call(b"pid", descriptor)
    with pytest.raises(SandboxError, match="at most"):
        await pool.call(bytes(FRAME_MAX_BYTES + 1), descriptor)
    assert await pool.call(b"pid", descriptor) == pid


async def test_replaced_after_so_many_objects(make_pool: MakePool, descriptor: int) -> None:
    """A child that has had its number of objects is replaced."""
    pool = await make_pool(children=1, max_objects=2)
    pids = [int(await pool.call(b"pid", descriptor)) for _ in range(6)]
    assert pids[0::2] == pids[1::2]
    assert len(set(pids)) == 3


async def test_replaced_after_growth(make_pool: MakePool, descriptor: int) -> None:
    """A child that keeps more and more memory is replaced, soon after it has too much and before that is all it may."""
    pool = await make_pool(children=1, growth_max_bytes=40 << 20)
    pids = [await pool.call(b"leak %d" % (16 << 20), descriptor) for _ in range(20)]
    assert 3 <= pids.count(pids[0]) <= 16


async def test_a_small_leak(make_pool: MakePool, descriptor: int) -> None:
    """A child that keeps little is not replaced."""
    pool = await make_pool(children=1, growth_max_bytes=40 << 20)
    assert len({await pool.call(b"leak 1000", descriptor) for _ in range(40)}) == 1


async def test_a_large_object_is_no_growth(make_pool: MakePool, tmp_path: Path) -> None:
    """Memory that was given back, and pages of a mapped object, are not held against a child."""
    pool = await make_pool(children=1, growth_max_bytes=8 << 20)
    large = tmp_path / "large"
    large.write_bytes(bytes(32 << 20))
    with large.open("rb") as file:
        pids = {await pool.call(b"map", file.fileno()) for _ in range(2)}
        pids |= {await pool.call(b"borrow %d" % (32 << 20), file.fileno()) for _ in range(16)}
    assert len(pids) == 1


async def test_as_many_at_a_time_as_there_are_children(make_pool: MakePool, until: Until) -> None:
    """Two children work at the same time; a third object waits until one of them is free."""
    pool = await make_pool(children=2)
    pairs = [socket.socketpair() for _ in range(3)]
    calls = [asyncio.create_task(pool.call(b"wait", theirs.fileno())) for _, theirs in pairs]
    for ours, _ in pairs:
        ours.setblocking(False)
    loop = asyncio.get_running_loop()
    for ours, _ in pairs[:2]:
        assert await asyncio.wait_for(loop.sock_recv(ours, 16), 10) == b"begun"
    with pytest.raises(BlockingIOError):
        pairs[2][0].recv(16)
    for ours, _ in pairs[:2]:
        ours.send(b"go on")
    assert await asyncio.wait_for(loop.sock_recv(pairs[2][0], 16), 10) == b"begun"
    pairs[2][0].send(b"go on")
    assert await asyncio.gather(*calls) == [b"go on"] * 3
    assert len(processes()) == 3
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


async def test_a_cancelled_call(make_pool: MakePool, until: Until) -> None:
    """Whoever stops waiting for an answer takes the child's life, because it still holds the object."""
    pool = await make_pool(children=1)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    call = asyncio.create_task(pool.call(b"wait", theirs.fileno()))
    await asyncio.get_running_loop().sock_recv(ours, 16)
    busy = processes()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: pool.alive == 1 and processes() != busy)
    assert await pool.call(b"pid", theirs.fileno())
    ours.close()
    theirs.close()


async def test_an_idle_child_that_dies(make_pool: MakePool, descriptor: int, until: Until) -> None:
    """A child that died between two objects costs no object."""
    pool = await make_pool(children=1)
    pid = int(await pool.call(b"pid", descriptor))
    os.kill(pid, signal.SIGKILL)
    await until(lambda: pool.alive == 0)
    assert int(await pool.call(b"pid", descriptor)) != pid


async def test_the_nursery_is_killed(make_pool: MakePool, descriptor: int, until: Until) -> None:
    """A nursery that dies takes its children along; the next call starts a new one, and all children are back."""
    pool = await make_pool(children=2)
    (nursery,) = nurseries()
    nursery.kill()
    await until(lambda: pool.alive == 0)
    assert await pool.call(b"read", descriptor) == b"content"
    await until(lambda: pool.alive == 2)
    assert len(processes()) == 3


async def test_the_nursery_is_killed_during_a_call(make_pool: MakePool, until: Until) -> None:
    """A call under way ends with its child, not at its deadline."""
    pool = await make_pool(children=1)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    call = asyncio.create_task(pool.call(b"wait", theirs.fileno()))
    await asyncio.get_running_loop().sock_recv(ours, 16)
    (nursery,) = nurseries()
    nursery.kill()
    with pytest.raises(ChildDied):
        await asyncio.wait_for(call, 10)
    await until(lambda: pool.alive == 1)
    ours.close()
    theirs.close()


async def test_closing(make_pool: MakePool, until: Until) -> None:
    """Closing ends calls under way, leaves no process and no descriptor, and refuses what comes after."""
    before = open_descriptors()
    pool = await make_pool(children=2)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    call = asyncio.create_task(pool.call(b"wait", theirs.fileno()))
    await asyncio.get_running_loop().sock_recv(ours, 16)
    await pool.close()
    with pytest.raises(ChildDied):
        await call
    with pytest.raises(SandboxError, match="closed"):
        await pool.call(b"read", theirs.fileno())
    ours.close()
    theirs.close()
    await until(lambda: not processes() and open_descriptors() == before)
    assert pool.alive == 0


@pytest.mark.parametrize(
    ("entry", "why"), [("prepare_failing", "LookupError"), ("prepare_nothing", "not Prepared"), ("absent", "absent")]
)
async def test_an_entry_that_fails(make_pool: MakePool, until: Until, entry: str, why: str) -> None:
    """A pool whose entry cannot be prepared says why and leaves no process."""
    with pytest.raises(SandboxError, match=why):
        await make_pool(entry)
    await until(lambda: not processes())


async def test_an_entry_that_never_returns(make_pool: MakePool, until: Until) -> None:
    """Preparing has a deadline too."""
    began = time.monotonic()
    with pytest.raises(SandboxError, match="does not answer: TimeoutError"):
        await make_pool("prepare_forever", start_deadline_seconds=0.5)
    assert time.monotonic() - began < 10
    await until(lambda: not processes())


async def test_no_interpreter(make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nursery that cannot be started is an error that names the interpreter, and leaks no descriptor."""
    before = open_descriptors()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(SandboxError, match=r"could not be started with .*absent"):
        await make_pool()
    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"\0\0\0\1x", "answered something else"),
        (b"\xff\xff\xff\xff", "does not answer: a frame of 4294967295 bytes"),
        (b"\0\0", "does not answer"),
        (encoded(Forked(1)), "answered something else"),
        (encoded(Warmed(b"", Confinement(()))) * 2, "did not hand over the child"),
    ],
)
async def test_a_nursery_that_answers_nonsense(
    make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, why: str
) -> None:
    """Whatever a nursery says instead of what it should is a clear error; it is ended."""
    nursery = tmp_path / "nursery"
    nursery.write_text(f"#!{sys.executable} -IS\n{NONSENSE.format(answer=answer)}")
    nursery.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(nursery))
    with pytest.raises(SandboxError, match=why):
        await make_pool()


async def test_closing_while_it_starts(entries: Path, until: Until) -> None:
    """A pool that is closed while its nursery still prepares does not wait for that, warns of nothing, and is gone."""
    pool = ChildPool("sandbox_entries:prepare_forever", b"")
    starting = asyncio.create_task(pool.start())
    await until(lambda: bool(processes()))
    with structlog.testing.capture_logs() as logged:
        await asyncio.wait_for(pool.close(), 10)
        with pytest.raises(SandboxError):
            await starting
    assert logged == []
    await until(lambda: not processes())


async def test_a_call_that_is_cancelled_while_it_waits_for_a_child(
    make_pool: MakePool, descriptor: int, until: Until
) -> None:
    """Who stops waiting for a new nursery leaves it to the others: the next call gets a child of it."""
    pool = await make_pool(children=1)
    (nursery,) = nurseries()
    nursery.kill()
    await until(lambda: pool.alive == 0)
    call = asyncio.create_task(pool.call(b"read", descriptor))
    await until(lambda: bool(processes()))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await pool.call(b"read", descriptor) == b"content"
    assert len(nurseries()) == 1


async def test_nothing_of_the_agent_is_inherited(
    make_pool: MakePool, descriptor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither nursery nor child has the agent's environment, or a descriptor but its own socket, log and object."""
    monkeypatch.setenv("SECRET_TOKEN", "smp_secret")
    secret = os.open(tmp_path / "key", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)
    pool = await make_pool("prepare_looking", children=1)
    nursery, child = json.loads(pool.report), json.loads(await pool.call(b"look", descriptor))
    os.close(secret)
    for view, own in ((nursery, []), (child, ["file"])):
        assert set(view["environment"]) <= {"LC_CTYPE"}  # what Python itself sets where there is no locale
        assert [view["descriptors"][name] for name in ("0", "1")] == ["device"] * 2
        others = sorted(kind for name, kind in view["descriptors"].items() if name not in ("0", "1"))
        assert others == [*own, "pipe", "socket"]
    assert os.getsid(child["pid"]) == nursery["pid"]


async def test_what_is_taken_from_a_child(make_pool: MakePool, descriptor: int) -> None:
    """A child can allocate so much, gains no privilege, dumps no core, writes no file and opens few."""
    pool = await make_pool(children=1, memory_max_bytes=512 << 20)
    child = Path("/proc", (await pool.call(b"pid", descriptor)).decode())
    status = dict(line.split(":\t", 1) for line in (child / "status").read_text().splitlines())
    limits = {line[:25].strip(): line[26:].split()[0] for line in (child / "limits").read_text().splitlines()}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert {int(status[f"Cap{each}"], 16) for each in ("Inh", "Prm", "Eff", "Amb")} == {0}
    assert int(limits["Max data size"]) == 512 << 20
    assert int(limits["Max address space"]) < (512 << 20) + (5 << 30)
    assert [limits[each] for each in ("Max processes", "Max file size", "Max core file size")] == ["0"] * 3
    assert await pool.call(b"forbidden", descriptor) == b""


async def test_the_agent_is_killed(entries: Path, until: Until) -> None:
    """An agent that dies of SIGKILL takes its nursery and children along, one that holds an object included."""
    agent = await asyncio.create_subprocess_exec(
        *(sys.executable, str(entries / "lone_agent.py")), env={}, stdout=asyncio.subprocess.PIPE
    )
    assert agent.stdout is not None
    line = await asyncio.wait_for(agent.stdout.readline(), 30)
    below = [psutil.Process(int(pid)) for pid in line.split()]
    assert len(below) == 3
    agent.kill()
    await agent.wait()
    await until(lambda: not any(has_life(process) for process in below))
