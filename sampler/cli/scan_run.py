"""One run of ``sampler scan``: what is remembered first, and a sandbox only when something has to be looked at."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from sampler.cli.output import warn
from sampler.cli.scan_output import Printer, Tally
from sampler.errors import RulesError
from sampler.examine import Examiner, ExamineSettings, RuleReport
from sampler.scan import Collected, known_rules
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, Sweep, SweepSettings
from sampler.walk import Selection, walk


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What is to be scanned, and how."""

    paths: tuple[bytes, ...]
    """Absolute."""
    examine: ExamineSettings
    selection: Selection
    max_bytes: int
    memory: Path | None
    """Folder of earlier results; ``None``: none are used or kept."""
    hit_bytes: bool


@dataclass(slots=True)
class ScanRun:
    """Scans what an order names and prints what it finds."""

    order: ScanOrder
    collected: Collected
    printer: Printer
    _tally: Tally = field(default_factory=Tally)

    async def run(self) -> Tally:
        """To the end; what it came to.

        Raises:
            RulesError, SandboxError, SpoolError: it cannot go on.
        """
        async with AsyncExitStack() as stack:
            examiner = Examiner(self.order.examine)
            stack.push_async_callback(examiner.close)
            problems, used = self._known() or _told(await examiner.start())
            for problem in problems:
                warn(f"rule left out: {problem}")
            memory = stack.enter_context(ScanMemory(self.order.memory)) if self.order.memory else None
            spool = Path(stack.enter_context(TemporaryDirectory(prefix="sampler-scan-")))
            await self._sweep(self._sweeper(examiner, used, memory, spool))
        return self._tally

    def _known(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Problems of the rules and variables that they use, if they were compiled before; then nothing need start."""
        known = known_rules(self.order.examine.rules, self.collected)
        return None if known is None else (tuple(map(str, known.problems)), known.used)

    def _sweeper(self, examiner: Examiner, used: tuple[str, ...], memory: ScanMemory | None, spool: Path) -> Sweep:
        limits = self.order.examine.limits
        settings = SweepSettings(spool, self.order.examine.children, self.order.max_bytes, self.order.hit_bytes)

        async def start() -> None:
            report = await examiner.start()
            if report.version != self.collected.version:
                raise RulesError("the rules changed while they were being loaded; scan again")
            for missing in examiner.confinement.missing:
                warn(f"the sandbox lacks: {missing}")

        return Sweep(examiner, start, Contexts(self.collected.version, used, repr(limits)), memory, settings)

    async def _sweep(self, sweep: Sweep) -> None:
        files = walk(self.order.paths, self.order.selection)
        with _progress() as advance:
            async with aclosing(sweep.outcomes(files)) as outcomes:
                async for outcome in outcomes:
                    self._tally.add(outcome)
                    self.printer.show(outcome)
                    advance()


def _told(report: RuleReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return report.problems, report.used


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    """What to call for each file; without a terminal there is nobody to show it to."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from sampler.cli.terminal import progress  # noqa: PLC0415  # it takes as long to import as all the rest

    with progress() as bar:
        shown = bar.add_task("scanning", total=None)
        yield lambda: bar.advance(shown)


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Ctrl-C raises ``KeyboardInterrupt`` wherever the program is.

    asyncio's own handler cancels what runs at the next ``await`` that waits: a sweep in which all is recalled has none.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
