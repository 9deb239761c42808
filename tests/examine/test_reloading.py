"""Rules that change while objects are examined: nothing is dropped, and what does not load changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from sampler.errors import ChildDied, RulesError
from sampler.examine import Examiner, ExamineSettings
from sampler.model import Examination, Snapshot
from sampler.scan import RuleSettings

Snap = Callable[..., Snapshot]
OLD = 'rule old { strings: $n = "needle" condition: $n }'
NEW = 'rule new { strings: $n = "needle" condition: $n }'
SLOW = "rule slow { condition: for all i in (0..filesize - 1) : (for all j in (0..60) : (uint8(i) < 256)) }"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yar").write_text(OLD)
    return folder


@pytest.fixture
async def examiner(rules: Path) -> AsyncIterator[Examiner]:
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=2)) as started:
        yield started


def nurseries() -> int:
    return sum(is_nursery(process) for process in psutil.Process().children())


def is_nursery(process: psutil.Process) -> bool:
    try:
        return "sampler.sandbox.nursery" in process.cmdline()
    except psutil.NoSuchProcess:  # it ended, and may not have been waited for yet
        return False


def names(examination: Examination) -> list[str]:
    return [match.rule for match in examination.matches]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_new_rules_run_and_say_which_they_are(examiner: Examiner, rules: Path, snap: Snap) -> None:
    """After a reload other rules match, under another version, with as many children and one nursery."""
    before = await examiner.examine(snap(b"needle"))
    (rules / "a.yar").write_text(NEW)
    report = await examiner.reload()
    after = await examiner.examine(snap(b"needle"))
    assert (names(before), names(after)) == (["old"], ["new"])
    assert before.ruleset_version != after.ruleset_version == report.version == examiner.report.version
    await until(lambda: nurseries() == 1)
    assert examiner.alive == 2


@pytest.mark.parametrize("broken", ["rule broken {", None])
async def test_rules_that_do_not_load_change_nothing(
    examiner: Examiner, rules: Path, snap: Snap, broken: str | None
) -> None:
    """Whether no rule compiles or the folder is gone: the old ones run, and the error says what is wrong."""
    version = examiner.report.version
    if broken is None:
        (rules / "a.yar").unlink()
        rules.rmdir()
    else:
        (rules / "a.yar").write_text(broken)
    with pytest.raises(RulesError):
        await examiner.reload()
    examination = await examiner.examine(snap(b"needle"))
    assert (names(examination), examination.ruleset_version) == (["old"], version)
    assert nurseries() == 1


async def test_reloads_under_load_drop_nothing(examiner: Examiner, rules: Path, snap: Snap) -> None:
    """Every object that was given is examined whole, by the rules whose version its examination carries."""
    versions = {examiner.report.version: ["old"]}
    objects = [snap(b"x" * number + b"needle") for number in range(60)]
    work = [asyncio.create_task(examiner.examine(each)) for each in objects[:30]]
    (rules / "a.yar").write_text(NEW)
    reloading = asyncio.create_task(examiner.reload())
    for each in objects[30:]:
        work.append(asyncio.create_task(examiner.examine(each)))
        await asyncio.sleep(0)
    versions[(await reloading).version] = ["new"]
    work.append(asyncio.create_task(examiner.examine(objects[0])))
    answers = await asyncio.gather(*work)
    assert [answer.sha256 for answer in answers] == [each.sha256 for each in (*objects, objects[0])]
    assert all(names(answer) == versions[answer.ruleset_version] for answer in answers)
    assert names(answers[-1]) == ["new"]


async def test_old_children_end_when_their_last_object_has(examiner: Examiner, rules: Path, snap: Snap) -> None:
    """An object that takes long is examined to its end by the rules that it began with."""
    (rules / "a.yar").write_text(SLOW)
    await examiner.reload()
    slow = asyncio.create_task(examiner.examine(snap(bytes(400_000))))
    await asyncio.sleep(0)
    (rules / "a.yar").write_text(NEW)
    await examiner.reload()
    assert names(await examiner.examine(snap(b"needle"))) == ["new"]
    assert names(await slow) == ["slow"]
    await until(lambda: nurseries() == 1)


async def test_closing_ends_old_children_too(rules: Path, snap: Snap) -> None:
    """Whoever still waits for one learns that it died, and no process is left."""
    (rules / "a.yar").write_text(SLOW)
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        slow = asyncio.create_task(examiner.examine(snap(bytes(4_000_000))))
        await asyncio.sleep(0)
        await examiner.reload()
    with pytest.raises(ChildDied):
        await slow
    assert nurseries() == 0
