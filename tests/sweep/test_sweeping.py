"""The sweep against files that move, hide, lie and kill; with an examiner in this process."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import ChildDied, ChildTimedOut, SandboxError, SpoolFull
from sampler.limits import SWEEP_ATTEMPTS_MAX_COUNT
from sampler.model import Problem, Snapshot
from sampler.snapshot import SnapshotTaker
from sampler.sweep import Contexts, FileFailure, FileReport, Outcome, recalled
from sampler.sweep.sweeping import Sweep
from sampler.walk import walk

Make = Callable[..., Sweep]
Outcomes = Callable[..., Awaitable[list[Outcome]]]
NOTHING_KNOWN = Contexts("v1", (), "limits")


class Scripted(Protocol):
    """What tests set and read of the examiner in this process."""

    swept: list[bytes]
    examined: list[bytes | None]
    before_sweep: Callable[[bytes], Awaitable[None]] | None
    after_sweep: Callable[[bytes], Awaitable[None]] | None
    problems: tuple[Problem, ...]


def code(outcome: Outcome) -> str:
    """In one word."""
    if isinstance(outcome, FileFailure):
        return outcome.code
    return "found" if outcome.scanned.matches else "clean"


def change(file: Path, content: bytes) -> None:
    """Another content, and another time whatever the clock's grain."""
    file.write_bytes(content)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000_000))


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


async def test_files_in_order(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """Each file has its outcome: clean with its hash, or found with matches whole."""
    (tree / "a").write_bytes(b"hay")
    (tree / "b").write_bytes(b"hay needle")
    (tree / "c").touch()
    told = await outcomes(make(examiner), tree)
    assert [(os.path.basename(one.path), code(one)) for one in told] == [
        (b"a", "clean"),
        (b"b", "found"),
        (b"c", "clean"),
    ]
    assert isinstance(told[0], FileReport)
    assert told[0].scanned.sha256 == hashlib.sha256(b"hay").hexdigest()
    assert isinstance(told[1], FileReport)
    (match,) = told[1].scanned.matches
    assert (match.rule, match.tags, match.meta, match.hits[0].offset) == ("found", ("t",), (("k", 1),), 4)


async def test_a_slow_first_file_keeps_its_place(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """What is scanned later but known sooner is told later."""
    for name in "abcd":
        (tree / name).write_bytes(name.encode())
    others = asyncio.Event()

    async def slow(path: bytes) -> None:
        if path.endswith(b"/a"):
            await others.wait()
        elif path.endswith(b"/d"):
            others.set()

    examiner.before_sweep = slow
    told = await outcomes(make(examiner), tree)
    assert [one.path[-1:] for one in told] == [b"a", b"b", b"c", b"d"]


async def test_a_file_that_changes_once_is_scanned_again(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """What is reported is the state that stood still."""
    file = tree / "a"
    file.write_bytes(b"first")

    async def once(path: bytes) -> None:
        if len(examiner.swept) == 1:
            change(file, b"later")

    examiner.after_sweep = once
    (one,) = await outcomes(make(examiner), tree)
    assert isinstance(one, FileReport)
    assert one.scanned.sha256 == hashlib.sha256(b"later").hexdigest()
    assert len(examiner.swept) == 2


async def test_a_file_that_keeps_changing_is_named(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """After a few attempts it is reported as changing, never as clean."""
    file = tree / "a"
    file.write_bytes(b"0")

    async def always(path: bytes) -> None:
        change(file, str(len(examiner.swept)).encode())

    examiner.after_sweep = always
    (one,) = await outcomes(make(examiner), tree)
    assert code(one) == "changed"
    assert len(examiner.swept) == SWEEP_ATTEMPTS_MAX_COUNT


async def test_a_file_that_grows_while_it_is_read(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """More bytes than announced are another file."""
    file = tree / "a"
    file.write_bytes(b"hay")

    async def grow(path: bytes) -> None:
        if len(examiner.swept) == 1:
            change(file, b"hay and a needle")

    examiner.before_sweep = grow
    (one,) = await outcomes(make(examiner), tree)
    assert code(one) == "found"


async def test_what_is_reported_is_the_snapshot(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """A match is confirmed on a snapshot: its hash and its hits, not those of the live file."""
    file = tree / "a"
    file.write_bytes(b"needle")
    exchanged = b"other needle"

    def exchange(self: SnapshotTaker, candidate: Any) -> Any:
        change(file, exchanged)
        return taken(self, candidate)

    taken = SnapshotTaker.take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SnapshotTaker, "take", exchange)
        (one,) = await outcomes(make(examiner, hit_bytes=True), tree)
    assert isinstance(one, FileReport)
    assert one.scanned.sha256 == hashlib.sha256(exchanged).hexdigest()
    assert one.scanned.matches[0].hits[0].offset == 6
    assert one.hit_bytes == ((b"needle",),)


async def test_a_match_that_is_gone_is_looked_for_again(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """A file that is clean whenever a snapshot is taken and matches whenever it is swept is not reported as clean."""
    file = tree / "a"
    file.write_bytes(b"needle")
    taken = SnapshotTaker.take

    def hide(self: SnapshotTaker, candidate: Any) -> Any:
        change(file, b"hay")
        try:
            return taken(self, candidate)
        finally:
            change(file, b"needle")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SnapshotTaker, "take", hide)
        (one,) = await outcomes(make(examiner), tree)
    assert code(one) == "changed"
    assert len(examiner.swept) == len(examiner.examined) == SWEEP_ATTEMPTS_MAX_COUNT


@pytest.mark.parametrize(("error", "said"), [(ChildDied("x"), "scan-failed"), (ChildTimedOut("x"), "timed-out")])
async def test_a_file_that_kills_its_child(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes, error: SandboxError, said: str
) -> None:
    """It is named, tried no more than once, and the others are scanned."""
    for name in "abc":
        (tree / name).write_bytes(b"hay")

    async def kill(path: bytes) -> None:
        if path.endswith(b"/b"):
            raise error

    examiner.before_sweep = kill
    told = await outcomes(make(examiner), tree)
    assert [code(one) for one in told] == ["clean", said, "clean"]
    assert len(examiner.swept) == 3


async def test_a_child_that_died_of_a_change(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """Cut short under its mapping, a file kills whoever reads it (SIGBUS): it is scanned again."""
    file = tree / "a"
    file.write_bytes(b"needle")

    async def cut(path: bytes) -> None:
        if len(examiner.swept) == 1:
            change(file, b"hay")
            raise ChildDied("SIGBUS")

    examiner.before_sweep = cut
    (one,) = await outcomes(make(examiner), tree)
    assert code(one) == "clean"


async def test_no_room_for_a_snapshot(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match that cannot be confirmed is named; the other files are scanned."""

    def full(self: SnapshotTaker, candidate: Any) -> Snapshot:
        raise SpoolFull("no space left")

    monkeypatch.setattr(SnapshotTaker, "take", full)
    (tree / "a").write_bytes(b"needle")
    (tree / "b").write_bytes(b"hay")
    told = await outcomes(make(examiner), tree)
    assert [code(one) for one in told] == ["not-confirmed", "clean"]


async def test_without_children_it_ends(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """When none can be had, that is an error of the scan and not one of each file."""

    async def none(path: bytes) -> None:
        raise SandboxError("no child")

    examiner.before_sweep = none
    (tree / "a").touch()
    before = open_descriptors()
    with pytest.raises(SandboxError, match="no child"):
        await outcomes(make(examiner), tree)
    assert open_descriptors() == before
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_problems_make_a_file_not_clean(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """What the engine could not do stands in the report."""
    examiner.problems = (Problem("scan", "scan-timeout", "x"),)
    (tree / "a").write_bytes(b"hay")
    (one,) = await outcomes(make(examiner), tree)
    assert isinstance(one, FileReport)
    assert one.problems == examiner.problems


async def test_a_file_that_is_too_large(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """It is named and not read; one of just the ceiling is scanned."""
    (tree / "a").write_bytes(b"12345")
    (tree / "b").write_bytes(b"1234")
    told = await outcomes(make(examiner, max_bytes=4), tree)
    assert [code(one) for one in told] == ["too-large", "clean"]
    assert "has 5 bytes; at most 4" in getattr(told[0], "detail", "")


@pytest.fixture
def specials(tree: Path) -> Iterator[dict[str, Path]]:
    """What is no regular file."""
    os.mkfifo(tree / "fifo")
    (tree / "link").symlink_to("/etc/passwd")
    made = {"FIFO": tree / "fifo", "link": tree / "link", "socket": tree / "s", "device": Path("/dev/null")}
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(tree, os.O_RDONLY)  # a socket's address is too short for a test's folder
        listening.bind(f"/proc/self/fd/{here}/s")
        os.close(here)
        yield made


@pytest.mark.parametrize("kind", ["FIFO", "link", "socket", "device"])
async def test_what_is_no_file_is_named_when_it_is_given(
    specials: dict[str, Path], kind: str, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """Given by name, it is an error that says what it is; nothing opens it."""
    (one,) = await outcomes(make(examiner), specials[kind])
    assert isinstance(one, FileFailure)
    assert kind in one.detail
    assert not examiner.swept


@pytest.mark.usefixtures("specials")
async def test_what_is_no_file_is_passed_over_below(
    tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """Below a folder it is no news."""
    assert await outcomes(make(examiner), tree) == []


async def test_a_file_that_becomes_a_fifo(tree: Path, examiner: Scripted, make: Make) -> None:
    """Exchanged between walking and opening, it is not opened, and does not hang the scan."""
    file = tree / "a"
    file.write_bytes(b"hay")
    files = list(recalled(walk([os.fsencode(tree)]), NOTHING_KNOWN, None))
    file.unlink()
    os.mkfifo(file)
    async with asyncio.timeout(10):
        told = [one async for one in make(examiner).outcomes(files)]
    assert [code(one) for one in told] == ["not-a-regular-file"]


async def test_a_file_that_is_gone(tree: Path, examiner: Scripted, make: Make) -> None:
    """Deleted between walking and opening, it is named."""
    (tree / "a").touch()
    files = list(recalled(walk([os.fsencode(tree)]), NOTHING_KNOWN, None))
    (tree / "a").unlink()
    assert [code(one) async for one in make(examiner).outcomes(files)] == ["absent"]


async def test_files_of_others(examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """What may not be read is named, with the reason, by whoever is not root; the others are scanned."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "a").write_bytes(b"hay")
    (folder / "b").write_bytes(b"hay")
    (folder / "a").chmod(0)
    me = os.geteuid()
    try:
        if me == 0:
            os.seteuid(65534)
        told = await outcomes(make(examiner), folder)
    finally:
        os.seteuid(me)
        shutil.rmtree(folder)
    assert [code(one) for one in told] == ["permission", "clean"]


names = st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"\n"))
odd_names = (names | st.sampled_from([b"n" * 255, b"\xff\xfe", b"a\nb", b"-rf", b" ", b"...", b"\x1b[2J"])).filter(
    lambda name: name not in (b".", b"..")
)
trees = st.lists(st.tuples(st.lists(odd_names, max_size=5), odd_names, st.sampled_from([b"", b"hay", b"a needle"])))


@given(entries=trees)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_file_has_one_outcome(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any], examiner: Scripted, make: Make, outcomes: Outcomes
) -> None:
    """Whatever files are called and however deep they lie, each is told once, rightly, in the order of the walk."""
    top = os.fsencode(tmp_path_factory.mktemp("odd"))
    expected: dict[bytes, str] = {}
    for folders, name, content in entries:
        folder = os.path.join(top, *folders)
        path = os.path.join(folder, name)
        try:
            os.makedirs(folder, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # an earlier entry has that name
        os.write(descriptor, content)
        os.close(descriptor)
        expected[path] = "found" if content == b"a needle" else "clean"
    told = await outcomes(make(examiner), Path(os.fsdecode(top)))
    assert {one.path: code(one) for one in told} == expected
    assert [one.path for one in told] == [found.path for found in walk([top])]
    assert len(told) == len(expected)


async def test_closing_early_leaves_nothing(tree: Path, examiner: Scripted, make: Make) -> None:
    """No task and no descriptor is left when nobody wants the rest, files under way included."""
    for number in range(20):
        (tree / f"{number:02}").write_bytes(b"hay")
    under_way = asyncio.Event()

    async def hang(path: bytes) -> None:
        if not path.endswith(b"/00"):
            under_way.set()
            await asyncio.Event().wait()

    examiner.before_sweep = hang
    before = open_descriptors()
    files = recalled(walk([os.fsencode(tree)]), NOTHING_KNOWN, None)
    told = make(examiner, at_once=4).outcomes(files)
    assert code(await anext(told)) == "clean"
    await under_way.wait()
    await told.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert open_descriptors() == before


async def test_a_snapshot_that_nobody_waits_for_is_given_back(
    tree: Path, examiner: Scripted, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is being taken on a thread while the sweep is closed does not stay open."""
    (tree / "a").write_bytes(b"needle")
    taking, go_on, done = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    taken = SnapshotTaker.take

    def slow(self: SnapshotTaker, candidate: Any) -> Any:
        loop.call_soon_threadsafe(taking.set)
        go_on.wait(10)
        try:
            return taken(self, candidate)
        finally:
            loop.call_soon_threadsafe(done.set)

    monkeypatch.setattr(SnapshotTaker, "take", slow)
    before = open_descriptors()
    told = make(examiner).outcomes(recalled(walk([os.fsencode(tree)]), NOTHING_KNOWN, None))
    asking = asyncio.ensure_future(anext(told))
    await taking.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await told.aclose()
    go_on.set()
    await done.wait()
    async with asyncio.timeout(10):
        while open_descriptors() != before:
            await asyncio.sleep(0.001)


async def test_only_some_are_looked_at_at_once(tree: Path, examiner: Scripted, make: Make, outcomes: Outcomes) -> None:
    """No more files are open than children can scan, and what is ready for them."""
    for number in range(30):
        (tree / f"{number:02}").write_bytes(b"hay")
    now, most = 0, 0

    async def count(path: bytes) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    examiner.before_sweep = count
    assert len(await outcomes(make(examiner, at_once=3), tree)) == 30
    assert most == 9
