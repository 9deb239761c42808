"""An examiner without children, and sweeps with it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from sampler.examine import Examiner, ExamineSettings, SweepRequest, Swept
from sampler.model import ContentKind, Examination, Problem, RuleMatch, Snapshot, StringHit
from sampler.scan import RuleSettings
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, Outcome, recalled
from sampler.sweep.sweeping import Sweep, SweepSettings
from sampler.walk import walk

LONG_AFTER_NS = 2**62
"""A present in which every file has long been as it is."""


class InProcess(Examiner):
    """Finds ``needle`` in files, in this process; tests say what else happens meanwhile."""

    def __init__(self) -> None:
        super().__init__(ExamineSettings(RuleSettings(())))
        self.swept: list[bytes] = []
        self.examined: list[bytes | None] = []
        self.before_sweep: Callable[[bytes], Awaitable[None]] | None = None
        self.after_sweep: Callable[[bytes], Awaitable[None]] | None = None
        self.problems: tuple[Problem, ...] = ()
        self.bundles: list[list[bytes]] = []
        self.before_bundle: Callable[[], Awaitable[None]] | None = None

    async def sweep(self, descriptor: int, size: int, path: bytes, owner: str) -> Swept:
        self.swept.append(path)
        if self.before_sweep is not None:
            await self.before_sweep(path)
        content = os.pread(descriptor, size + 1, 0)
        if self.after_sweep is not None:
            await self.after_sweep(path)
        digest = hashlib.sha256(content).hexdigest()
        return Swept(digest, len(content), "text/plain", matches(content), self.problems)

    async def sweep_bundle(self, files: Sequence[tuple[SweepRequest, bytes]]) -> tuple[Swept, ...]:
        self.bundles.append([request.path for request, _ in files])
        if self.before_bundle is not None:
            await self.before_bundle()
        return tuple(
            Swept(hashlib.sha256(content).hexdigest(), len(content), "text/plain", matches(content), self.problems)
            for _, content in files
        )

    async def examine(self, snapshot: Snapshot, *, owner: str = "", rules_only: bool = False) -> Examination:
        self.examined.append(snapshot.path)
        assert rules_only
        content = os.pread(snapshot.descriptor, snapshot.size, 0)
        found = matches(content)
        return Examination(
            snapshot.sha256, ContentKind.OTHER, "text/plain", "v1", found, (), (), self.problems if found else ()
        )


def matches(content: bytes) -> tuple[RuleMatch, ...]:
    at = content.find(b"needle")
    return () if at < 0 else (RuleMatch("found", "n.yar", ("t",), (("k", 1),), (StringHit("$n", at, 6),), 1),)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty folder to fill."""
    made = tmp_path / "tree"
    made.mkdir()
    return made


@pytest.fixture
def examiner() -> InProcess:
    return InProcess()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[ScanMemory]:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    with ScanMemory(folder) as opened:
        yield opened


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Sweep]:
    """A sweep with an examiner; its starting is noted in ``started``."""
    spool = tmp_path / "spool"
    spool.mkdir()

    def made(examiner: Examiner, memory: ScanMemory | None = None, **options: Any) -> Sweep:
        async def start() -> None:
            if not isinstance(examiner, InProcess):
                await examiner.start()

        contexts = options.pop("contexts", Contexts("v1", (), "limits"))
        now_ns = options.pop("now_ns", lambda: LONG_AFTER_NS)
        start_with = options.pop("start", start)
        options.setdefault("bundle_file_max_bytes", -1)  # each file by itself, unless a test is about bundles
        return Sweep(
            examiner,
            start_with,
            contexts,
            memory,
            SweepSettings(spool, **options),
            now_ns,
        )

    return made


@pytest.fixture
def outcomes() -> Callable[..., Awaitable[list[Outcome]]]:
    """What becomes of everything below some paths."""

    async def of(sweep: Sweep, *paths: Path) -> list[Outcome]:
        found = walk([os.fsencode(path) for path in paths])
        files = recalled(found, sweep.contexts, sweep.memory, hit_bytes=sweep.settings.hit_bytes)
        async with aclosing(sweep.outcomes(files)) as told:
            return [outcome async for outcome in told]

    return of
