"""What a second sweep spares, and what it must not."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from sampler.model import Problem
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, FileReport, Outcome
from sampler.sweep.sweeping import Sweep

Make = Callable[..., Sweep]
Outcomes = Callable[..., Awaitable[list[Outcome]]]
SECOND = 1_000_000_000


class Scripted(Protocol):
    """What tests set and read of the examiner in this process."""

    swept: list[bytes]
    after_sweep: Callable[[bytes], Awaitable[None]] | None
    problems: tuple[Problem, ...]


async def never() -> None:
    raise AssertionError("it was started for nothing")


Scan = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def scan(tree: Path, examiner: Scripted, make: Make, memory: ScanMemory, outcomes: Outcomes) -> Scan:
    """Sweep the tree's only file, and have what is remembered written."""

    async def once(**options: object) -> Outcome:
        examiner.swept.clear()
        (one,) = await outcomes(make(examiner, memory, **options), tree)
        memory._flush()
        return one

    return once


def recalled(one: Outcome) -> bool:
    return isinstance(one, FileReport) and one.recalled


async def test_a_second_sweep_starts_nothing(
    tree: Path, examiner: Scripted, make: Make, memory: ScanMemory, outcomes: Outcomes
) -> None:
    """What is unchanged is told as before, matches whole, without a child."""
    (tree / "a").write_bytes(b"hay")
    (tree / "b").write_bytes(b"needle")
    first = await outcomes(make(examiner, memory), tree)
    memory._flush()
    second = await outcomes(make(examiner, memory, start=never), tree)
    assert [one.recalled for one in second if isinstance(one, FileReport)] == [True, True]
    assert [getattr(one, "scanned", 1) for one in second] == [getattr(one, "scanned", 2) for one in first]


@pytest.mark.parametrize(
    "contexts",
    [
        Contexts("v2", (), "limits"),
        Contexts("v1", (), "others"),
        Contexts("v1", ("filename",), "limits"),
        Contexts("v1", ("owner",), "limits"),
    ],
    ids=["rules", "limits", "a variable", "another variable"],
)
async def test_another_context_scans_again(tree: Path, examiner: Scripted, scan: Scan, contexts: Contexts) -> None:
    """With other rules, other limits or rules that look at other variables, nothing is known."""
    (tree / "a").write_bytes(b"needle" * 1000)
    await scan()
    assert recalled(await scan())
    assert not recalled(await scan(contexts=contexts))
    assert len(examiner.swept) == 1


async def test_another_release_scans_again(tree: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release may read types, or cut rule sets, in another way."""
    (tree / "a").write_bytes(b"needle" * 1000)
    await scan()
    monkeypatch.setattr("sampler.sweep.contexts.__version__", "9.9.9")
    assert not recalled(await scan())


async def test_a_change_that_hides_its_time_is_scanned(tree: Path, scan: Scan) -> None:
    """Same size, same modification time: the time of the inode's change tells."""
    file = tree / "a"
    file.write_bytes(b"hay-----")
    status = file.stat()
    await scan()
    file.write_bytes(b"needle--")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_mtime_ns == status.st_mtime_ns
    one = await scan()
    assert isinstance(one, FileReport)
    assert not one.recalled
    assert one.scanned.matches


async def test_another_file_in_its_place_is_scanned(tree: Path, tmp_path: Path, scan: Scan) -> None:
    """Of the same size and time, by renaming."""
    (tree / "a").write_bytes(b"hay-----")
    await scan()
    (tmp_path / "other").write_bytes(b"needle--")
    shutil.copystat(tree / "a", tmp_path / "other")
    (tmp_path / "other").rename(tree / "a")
    one = await scan()
    assert isinstance(one, FileReport)
    assert one.scanned.matches


@pytest.mark.parametrize(
    ("size", "known"), [(4095, False), (4096, True), (1024 * 1024 - 1, True), (1024 * 1024, False)]
)
async def test_a_touched_file_is_recalled_by_content(
    tree: Path, examiner: Scripted, scan: Scan, size: int, known: bool
) -> None:
    """Where hashing first pays, the same bytes under another time, or in a copy, are not scanned again."""
    (tree / "a").write_bytes(b"needle".ljust(size, b"."))
    await scan()
    os.utime(tree / "a", ns=(0, 1))
    one = await scan()
    assert recalled(one) == known
    assert len(examiner.swept) == (not known)
    shutil.copyfile(tree / "a", tree / "b")
    (tree / "a").unlink()
    assert recalled(await scan()) == known
    assert isinstance(one, FileReport)
    assert one.scanned.matches


async def test_a_new_name_matters_only_where_a_rule_looks_at_it(tree: Path, scan: Scan) -> None:
    """A renamed file is another case for a rule that knows names, and for no other."""
    (tree / "a.txt").write_bytes(b"needle" * 1000)
    plain, named = Contexts("v1", ("filetype",), "limits"), Contexts("v1", ("filename", "filetype"), "limits")
    await scan(contexts=plain)
    await scan(contexts=named)
    assert recalled(await scan(contexts=plain))
    assert recalled(await scan(contexts=named))
    (tree / "a.txt").rename(tree / "a.exe")
    assert recalled(await scan(contexts=plain))
    assert not recalled(await scan(contexts=named))


@pytest.mark.parametrize(("age_ns", "kept"), [(SECOND, False), (3 * SECOND, True)])
async def test_a_file_that_just_changed_is_not_remembered(tree: Path, scan: Scan, age_ns: int, kept: bool) -> None:
    """It may change once more within the grain of the clock, and look as if it had not."""
    (tree / "a").write_bytes(b"hay")
    now = (tree / "a").stat().st_ctime_ns + age_ns
    await scan(now_ns=lambda: now)
    assert recalled(await scan(now_ns=lambda: now)) == kept


async def test_a_long_scan_does_not_settle_a_file(tree: Path, scan: Scan) -> None:
    """What counts is how long it had stood still when it was opened, not when its scan ended."""
    (tree / "a").write_bytes(b"hay")
    changed = (tree / "a").stat().st_ctime_ns
    times = itertools.count(changed + 1, 1000 * SECOND)
    await scan(now_ns=lambda: next(times))
    assert not recalled(await scan())


async def test_problems_are_not_remembered(tree: Path, examiner: Scripted, scan: Scan) -> None:
    """A scan that was not whole is done again."""
    (tree / "a").write_bytes(b"needle" * 1000)
    examiner.problems = (Problem("scan", "scan-timeout", "x"),)
    await scan()
    examiner.problems = ()
    one = await scan()
    assert not recalled(one)
    assert isinstance(one, FileReport)
    assert not one.problems


async def test_hits_are_read_again(tree: Path, scan: Scan) -> None:
    """Where their bytes are wanted, a match is scanned again and a clean file is not."""
    (tree / "a").write_bytes(b"needle" * 1000)
    await scan()
    one = await scan(hit_bytes=True)
    assert isinstance(one, FileReport)
    assert (one.recalled, one.hit_bytes) == (False, ((b"needle",),))
    (tree / "a").write_bytes(b"hay")
    await scan(hit_bytes=True)
    assert recalled(await scan(hit_bytes=True))


async def test_a_file_from_another_age(tree: Path, scan: Scan) -> None:
    """A time far outside what 64 bits of nanoseconds hold, which any user can set, ends nothing."""
    (tree / "a").write_bytes(b"hay")
    os.utime(tree / "a", (0, 2**40))
    await scan()
    assert isinstance(await scan(), FileReport)


async def test_a_file_that_cannot_be_read_is_not_taken_for_known(
    tree: Path, examiner: Scripted, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails while a file is hashed costs no more than that hash."""
    (tree / "a").write_bytes(b"needle" * 1000)
    await scan()
    os.utime(tree / "a", ns=(0, 1))

    def fail(descriptor: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("sampler.sweep.sweeping.read_whole", fail)
    one = await scan()
    assert not recalled(one)
    assert len(examiner.swept) == 1
