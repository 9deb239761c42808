"""Small files that are read at once and looked at together."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol

import pytest

from sampler.errors import ChildDied, SandboxError
from sampler.examine import Examiner, ExamineSettings, read_whole
from sampler.limits import BUNDLE_FILE_MAX_BYTES, BUNDLE_MAX_BYTES, BUNDLE_MAX_COUNT
from sampler.model import Problem
from sampler.scan import RuleSettings
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, FileFailure, FileReport, Outcome, bundles, recalled
from sampler.sweep.sweeping import Sweep
from sampler.walk import walk

Make = Callable[..., Sweep]
Outcomes = Callable[..., Awaitable[list[Outcome]]]
RULE = 'rule needle { strings: $n = "needle" condition: $n }'


class Scripted(Protocol):
    """What tests set and read of the examiner in this process."""

    swept: list[bytes]
    examined: list[bytes | None]
    bundles: list[list[bytes]]
    before_bundle: Callable[[], Awaitable[None]] | None
    problems: tuple[Problem, ...]


@pytest.fixture
def bundling(make: Make) -> Make:
    """Sweeps that bundle."""

    def made(*arguments: Any, **options: Any) -> Sweep:
        return make(*arguments, bundle_file_max_bytes=BUNDLE_FILE_MAX_BYTES, **options)

    return made


def fill(tree: Path, count: int, content: bytes = b"hay") -> list[bytes]:
    for number in range(count):
        (tree / f"{number:03}").write_bytes(content)
    return [os.fsencode(tree / f"{number:03}") for number in range(count)]


async def test_many_small_files(tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes) -> None:
    """Small files go to a child several at a time; each has its outcome, in the order of the walk."""
    paths = fill(tree, BUNDLE_MAX_COUNT + 3)
    told = await outcomes(bundling(examiner), tree)
    assert [one.path for one in told] == paths
    assert examiner.bundles == [paths[:BUNDLE_MAX_COUNT], paths[BUNDLE_MAX_COUNT:]]
    assert not examiner.swept
    assert all(isinstance(one, FileReport) and one.scanned.sha256 == hashlib.sha256(b"hay").hexdigest() for one in told)


async def test_a_bundle_has_so_many_bytes(tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes) -> None:
    """A bundle goes when it holds enough bytes, and a larger file goes by itself."""
    fill(tree, 9, bytes(BUNDLE_FILE_MAX_BYTES))
    (tree / "large").write_bytes(bytes(BUNDLE_FILE_MAX_BYTES + 1))
    assert len(await outcomes(bundling(examiner), tree)) == 10
    assert [len(bundle) for bundle in examiner.bundles] == [BUNDLE_MAX_BYTES // BUNDLE_FILE_MAX_BYTES, 1]
    assert examiner.swept == [os.fsencode(tree / "large")]


async def test_a_small_file_that_is_too_large(
    tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes
) -> None:
    """The ceiling of the sweep holds for small files too."""
    fill(tree, 1, bytes(101))
    (told,) = await outcomes(bundling(examiner, max_bytes=100), tree)
    assert isinstance(told, FileFailure)
    assert told.code == "too-large"
    assert not examiner.bundles


async def test_a_match_in_a_bundle(tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes) -> None:
    """A match is confirmed on a snapshot, as that of any file."""
    fill(tree, 3)
    (tree / "001").write_bytes(b"needle")
    told = await outcomes(bundling(examiner), tree)
    assert [isinstance(one, FileReport) and len(one.scanned.matches) for one in told] == [0, 1, 0]
    assert examiner.examined == [os.fsencode(tree / "001")]


async def test_a_bundle_that_kills_its_child(
    tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes
) -> None:
    """When a child dies of a bundle, each of its files is looked at by itself."""

    async def die() -> None:
        raise ChildDied("of one of them")

    paths = fill(tree, 3)
    examiner.before_bundle = die
    told = await outcomes(bundling(examiner), tree)
    assert all(isinstance(one, FileReport) for one in told)
    assert examiner.swept == paths


@pytest.mark.parametrize("error", [SandboxError("no children"), RuntimeError("a bug of ours")])
async def test_without_children_nobody_waits(
    tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes, error: Exception
) -> None:
    """What goes wrong with all of them ends the sweep, and leaves nobody waiting."""

    async def fail() -> None:
        raise error

    fill(tree, 3)
    examiner.before_bundle = fail
    with pytest.raises(type(error), match=str(error)):
        await asyncio.wait_for(outcomes(bundling(examiner), tree), 10)


async def test_a_file_that_changes_while_it_is_read(
    tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file that does not stand still while it is read goes by itself, where that is bounded and told."""
    (path,) = fill(tree, 1)

    def meddling(descriptor: int, size: int) -> bytes:
        content = read_whole(descriptor, size)
        (tree / "000").write_bytes(b"needle")
        return content

    monkeypatch.setattr(bundles, "read_whole", meddling)
    (told,) = await outcomes(bundling(examiner), tree)
    assert isinstance(told, FileReport)
    assert told.scanned.matches
    assert not examiner.bundles
    assert examiner.swept == [path]


async def test_what_a_bundle_finds_is_remembered(
    tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes, memory: ScanMemory
) -> None:
    """A second sweep recalls small files, and copies of them by their content."""
    fill(tree, 2, b"hay" * 2000)
    await outcomes(bundling(examiner, memory), tree)
    memory._flush()
    (tree / "copy").write_bytes(b"hay" * 2000)
    told = await outcomes(bundling(examiner, memory), tree)
    assert [isinstance(one, FileReport) and one.recalled for one in told] == [True, True, True]
    assert len(examiner.bundles) == 1


async def test_problems_in_a_bundle(tree: Path, examiner: Scripted, bundling: Make, outcomes: Outcomes) -> None:
    """What the rules could not do is told of each file, and none of them is called clean."""
    fill(tree, 2)
    examiner.problems = (Problem("scan", "scan-timeout", "no end"),)
    told = await outcomes(bundling(examiner), tree)
    assert [isinstance(one, FileReport) and one.problems for one in told] == [examiner.problems] * 2


async def test_closing_early(tree: Path, examiner: Scripted, bundling: Make) -> None:
    """Nobody is left waiting, and no task and no descriptor, when a sweep is given up in the middle of a bundle."""
    fill(tree, 2)
    (tree / "000").rename(tree / "zzz")
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    examiner.before_bundle = wait
    before = len(list(Path("/proc/self/fd").iterdir()))
    files = recalled(walk([os.fsencode(tree)]), Contexts("v1", (), "limits"), None)
    async with aclosing(bundling(examiner).outcomes(files)) as told:
        taking = asyncio.create_task(anext(told))
        await asyncio.wait_for(begun.wait(), 10)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
    assert len(asyncio.all_tasks()) == 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_real_children(tree: Path, tmp_path: Path, bundling: Make, outcomes: Outcomes) -> None:
    """A real child tells the files of a bundle apart, empty ones too, and finds what they hold."""
    (tmp_path / "rules.yar").write_text(RULE)
    for name, content in {"a": b"", "b": b"needle", "c": b"need", "d": b"le", "e": b"hay needle", "f": b""}.items():
        (tree / name).write_bytes(content)
    real = Examiner(ExamineSettings(RuleSettings((tmp_path / "rules.yar",)), children=1))
    try:
        told = await outcomes(bundling(real), tree)
    finally:
        await real.close()
    assert not any(isinstance(one, FileFailure) for one in told)
    reports = [one for one in told if isinstance(one, FileReport)]
    assert [len(one.scanned.matches) for one in reports] == [0, 1, 0, 0, 1, 0]
    for one in reports:
        assert one.scanned.sha256 == hashlib.sha256(Path(os.fsdecode(one.path)).read_bytes()).hexdigest()
