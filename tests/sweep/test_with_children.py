"""The sweep with real children: what a mapping, a signal and another user's files do to it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from sampler.examine import Examiner, ExamineSettings, Swept
from sampler.examine.reading import READ_WHOLE_MAX_BYTES
from sampler.scan import RuleSettings
from sampler.sweep import Contexts, FileFailure, FileReport, Outcome, recalled
from sampler.sweep.sweeping import Sweep
from sampler.walk import walk

Make = Callable[..., Sweep]
Outcomes = Callable[..., Awaitable[list[Outcome]]]
ENDLESS = """
rule endless {
    condition: uint32(0) == 0x41414141
        and for all i in (0..filesize - 1) : (for all j in (0..filesize - 1) : (uint8(i) < 256))
}
"""
RULE = 'rule found { strings: $n = "needle" condition: $n }'


class Meddling(Examiner):
    """A real examiner; a test does something at the moment a file is handed over."""

    meddle: Callable[[bytes], None] = staticmethod(lambda path: None)
    swept: int = 0

    async def sweep(self, descriptor: int, size: int, path: bytes, owner: str) -> Swept:
        self.swept += 1
        self.meddle(path)
        return await super().sweep(descriptor, size, path, owner)


@pytest.fixture
def real(tmp_path: Path) -> Meddling:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yar").write_text(RULE)
    return Meddling(ExamineSettings(RuleSettings((rules,)), children=1))


def own_children() -> list[psutil.Process]:
    """Nurseries and what they forked; other tests' helpers may still be there."""
    nurseries = [one for one in psutil.Process().children() if "sampler.sandbox.nursery" in one.cmdline()]
    return [*nurseries, *(child for one in nurseries for child in one.children(recursive=True))]


async def test_a_large_file_cut_short(tree: Path, real: Meddling, make: Make, outcomes: Outcomes) -> None:
    """Longer than is read at once, announced with its old size and cut: it is scanned again as it is, others too."""
    (tree / "a").write_bytes(bytes(READ_WHOLE_MAX_BYTES + 5_000_000))
    (tree / "b").write_bytes(b"needle")

    def cut(path: bytes) -> None:
        if real.swept == 1:
            os.truncate(path, 4096)

    real.meddle = cut
    try:
        told = await outcomes(make(real), tree)
    finally:
        await real.close()
    assert all(isinstance(one, FileReport) for one in told)
    assert [one.scanned.size for one in told if isinstance(one, FileReport)] == [4096, 6]
    assert [bool(one.scanned.matches) for one in told if isinstance(one, FileReport)] == [False, True]


async def test_a_large_file_is_scanned_to_its_end(tree: Path, real: Meddling, make: Make, outcomes: Outcomes) -> None:
    """Mapped files are hashed and scanned whole."""
    (tree / "a").write_bytes(bytes(READ_WHOLE_MAX_BYTES) + b"needle")
    try:
        (one,) = await outcomes(make(real), tree)
    finally:
        await real.close()
    assert isinstance(one, FileReport)
    assert one.scanned.matches[0].hits[0].offset == READ_WHOLE_MAX_BYTES


async def test_a_killed_child_costs_one_file(tree: Path, tmp_path: Path, make: Make, outcomes: Outcomes) -> None:
    """The file on which no child comes to an end is named; the rest is scanned by the next child."""
    (tmp_path / "rules.yar").write_text(RULE + ENDLESS)
    for name in "abcd":
        (tree / name).write_bytes(b"needle" if name != "b" else b"AAAA" + bytes(4 << 20))
    settings = ExamineSettings(RuleSettings((tmp_path / "rules.yar",)), children=1, deadline_seconds=0.5)
    real = Examiner(settings)
    try:
        told = await outcomes(make(real), tree)
    finally:
        await real.close()
    assert [one.code if isinstance(one, FileFailure) else bool(one.scanned.matches) for one in told] == [
        True,
        "timed-out",
        True,
        True,
    ]
    assert own_children() == []


async def test_closing_early_leaves_no_child(tree: Path, real: Meddling, make: Make) -> None:
    """Nor a descriptor, once the examiner is closed."""
    for number in range(10):
        (tree / str(number)).write_bytes(b"hay")
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    try:
        files = recalled(walk([os.fsencode(tree)]), Contexts("v1", (), "limits"), None)
        async with aclosing(make(real).outcomes(files)) as told:
            assert isinstance(await anext(told), FileReport)
    finally:
        await real.close()
    assert own_children() == []
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} <= before | {"loop"}
