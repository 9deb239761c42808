"""The rules of the agent, kept as they are on disk: loaded at the start, loaded again when they change or on SIGHUP."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from sampler.agent.watching import watch
from sampler.errors import RulesError, SandboxError
from sampler.examine import Examiner, RuleReport
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.walk import Found, walk

log = structlog.get_logger()

_LOOK_SECONDS: Final = 300.0
"""How often rules are looked at without any news of them."""
_PAUSE_SECONDS: Final = 0.5
"""Rules that do not change for this long have been written to their end."""
_PAUSES_MAX_COUNT: Final = 60


class RuleKeeper:
    """Has the examiner load its rules when they change. New rules that do not load change nothing but ``trouble``.

    Args:
        examiner: not started yet.
        paths: where its rules are.
        clock: to wait by.
    """

    def __init__(self, examiner: Examiner, paths: Sequence[Path], clock: Clock) -> None:
        self.examiner = examiner
        self._paths = paths
        self._clock = clock
        self._wake = asyncio.Event()
        self._is_forced = False
        self._loaded = b""
        self.trouble = ""
        """Why the rules that run are not those on disk; empty: they are."""

    async def start(self) -> None:
        """Start the examiner.

        Raises:
            RulesError, SandboxError: as ``Examiner.start``.
        """
        self._loaded = await off_loop(fingerprint, self._paths)
        _log_rules("rules are ready", await self.examiner.start())

    async def run(self) -> None:
        """Keep the rules as they are on disk, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(self._paths, self._wake.set, clock=self._clock, most_seconds=_LOOK_SECONDS))
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._look()

    def force(self) -> None:
        """Have the rules loaded soon, changed or not."""
        self._is_forced = True
        self._wake.set()

    async def _look(self) -> None:
        forced, self._is_forced = self._is_forced, False
        present = await self._settled()
        if present == self._loaded and not forced:
            return
        self._loaded = present  # tried once, however it ends: what does not load will not load a minute later
        try:
            report = await self.examiner.reload()
        except (RulesError, SandboxError) as error:
            self.trouble = f"the rules on disk do not load, those of before still run: {error}"
            log.error("rules are not reloaded; those of before still run", reason=str(error))
            return
        self.trouble = ""
        _log_rules("rules are reloaded", report)

    async def _settled(self) -> bytes:
        """What is on disk, once it stays the same for a moment."""
        present = await off_loop(fingerprint, self._paths)
        for _ in range(_PAUSES_MAX_COUNT):
            await self._clock.sleep(_PAUSE_SECONDS)
            before, present = present, await off_loop(fingerprint, self._paths)
            if present == before:
                break
        return present


def fingerprint(paths: Sequence[Path]) -> bytes:
    """Tells one state of some trees from others, by what the file system says of each file. Blocking."""
    digest = hashlib.sha256()
    for step in walk([os.fsencode(path) for path in paths]):
        digest.update(step.path + b"\0")
        if isinstance(step, Found):
            status = step.status
            digest.update(repr((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)).encode())
    return digest.digest()


def _log_rules(event: str, report: RuleReport) -> None:
    log.info(event, rules=report.rule_count, version=report.version)
    for problem in report.problems:
        log.warning("a rule is left out", problem=problem)
