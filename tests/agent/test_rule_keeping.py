"""Rules are loaded again when they change, once they have been written to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from sampler.agent.rules import RuleKeeper, fingerprint
from sampler.errors import RulesError
from sampler.examine import Examiner, RuleReport
from sampler.runtime.clock import SystemClock


class QuickClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


class StubExaminer:
    """Counts its reloads, and fails them while it has an error."""

    def __init__(self) -> None:
        self.reloads = 0
        self.error: Exception | None = None

    async def start(self) -> RuleReport:
        return RuleReport("sha256:0", 1)

    async def reload(self) -> RuleReport:
        self.reloads += 1
        if self.error is not None:
            raise self.error
        return RuleReport(f"sha256:{self.reloads}", 1, ("a.yar:1: bad",))


@pytest.fixture
def examiner() -> StubExaminer:
    return StubExaminer()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yar").write_text("rule a { condition: true }")
    return folder


@pytest.fixture
async def keeper(examiner: StubExaminer, rules: Path) -> AsyncIterator[RuleKeeper]:
    made = RuleKeeper(cast(Examiner, examiner), (rules,), QuickClock())
    await made.start()
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def reloaded(examiner: StubExaminer, times: int) -> None:
    async with asyncio.timeout(30):
        while examiner.reloads < times:
            await asyncio.sleep(0.01)


async def test_a_change_on_disk_reloads(keeper: RuleKeeper, examiner: StubExaminer, rules: Path) -> None:
    """Without anybody asking for it."""
    async with asyncio.timeout(30):
        while not examiner.reloads:
            (rules / "a.yar").write_text("rule b { condition: true }")
            await asyncio.sleep(0.1)
    assert keeper.trouble == ""


async def test_force_reloads_what_did_not_change(keeper: RuleKeeper, examiner: StubExaminer) -> None:
    """As SIGHUP does; each time."""
    keeper.force()
    await reloaded(examiner, 1)
    keeper.force()
    await reloaded(examiner, 2)


async def test_rules_that_do_not_load_are_told_until_they_do(keeper: RuleKeeper, examiner: StubExaminer) -> None:
    """Status says why the rules that run are not those on disk, and no more once they are."""
    examiner.error = RulesError("rules: no rule compiles")
    keeper.force()
    await reloaded(examiner, 1)
    assert keeper.trouble.endswith("of before still run: rules: no rule compiles")
    examiner.error = None
    keeper.force()
    await reloaded(examiner, 2)
    assert keeper.trouble == ""


def test_a_fingerprint_tells_states_apart(rules: Path) -> None:
    """New content of the same length, another name, and a file more are other states; a look changes nothing."""
    states = [fingerprint((rules,))]
    assert fingerprint((rules,)) == states[0]
    (rules / "a.yar").write_text("rule c { condition: true }")
    states.append(fingerprint((rules,)))
    (rules / "a.yar").rename(rules / "b.yar")
    states.append(fingerprint((rules,)))
    (rules / "sub").mkdir()
    (rules / "sub" / "c.yar").write_text("")
    states.append(fingerprint((rules,)))
    assert len(set(states)) == 4
