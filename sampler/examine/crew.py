"""One pool of children with the rule set that it loaded, in use until the last examination on it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sampler.examine.messages import encode_order
from sampler.examine.reports import report_in
from sampler.examine.settings import ExamineSettings, RuleReport
from sampler.sandbox import ChildPool

_ENTRY = "sampler.examine.child:prepare"
_RULES_ENTRY = "sampler.examine.rules_child:prepare"


class Crew:
    """Belongs to one event loop."""

    def __init__(self, settings: ExamineSettings) -> None:
        self.pool = ChildPool(
            _RULES_ENTRY if settings.rules_only else _ENTRY,
            encode_order(settings.rules, settings.limits),
            children=settings.children,
            deadline_seconds=settings.deadline_seconds,
            memory_max_bytes=settings.memory_max_bytes,
            require_sandbox=settings.require_sandbox,
        )
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> RuleReport:
        """Load the rules and start the children.

        Raises:
            RulesError: a folder is missing, or no rule compiles; nothing is left running.
            SandboxError: children cannot be had; nothing is left running.
        """
        try:
            await self.pool.start()
            return self.report
        except BaseException:
            await self.pool.close()
            raise

    @property
    def report(self) -> RuleReport:
        """What the present nursery loaded.

        Raises:
            RulesError: it has no usable rules.
            SandboxError: it was never started, or reported nonsense.
        """
        return report_in(self.pool.report)

    @contextmanager
    def at_work(self) -> Iterator[ChildPool]:
        """The pool, for one examination; while the context lasts, ``retire`` waits."""
        self._at_work += 1
        self._idle.clear()
        try:
            yield self.pool
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()

    async def retire(self) -> None:
        """Wait for the examinations that are under way, then end the children; nobody may begin another one."""
        try:
            await self._idle.wait()
        finally:
            await self.pool.close()
