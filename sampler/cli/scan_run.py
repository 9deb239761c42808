"""One run of ``sampler scan``: what is remembered first, and children only when something has to be looked at.

What starts children takes longer to import than a scan of many unchanged files takes: it is imported with the first
file that is not known.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import FrameType

from sampler.agent.settings import ExamineSection
from sampler.cli.output import warn
from sampler.cli.scan_output import Printer, Tally
from sampler.scan import Collected, RuleSettings, ScanLimits, known_rules
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, Outcome, recalled
from sampler.walk import Found, Selection, walk


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What is to be scanned, and how."""

    paths: tuple[bytes, ...]
    """Absolute."""
    rules: RuleSettings
    limits: ScanLimits
    agents: ExamineSection
    """How the agent examines, for what is said nowhere else."""
    children: int
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
    tally: Tally = field(default_factory=Tally)
    """What it came to so far."""
    memory: ScanMemory | None = None
    """Open while it runs."""
    _open: ExitStack = field(default_factory=ExitStack)
    _advance: Callable[[], None] = lambda: None

    def run(self) -> Tally:
        """To the end; what it came to.

        Raises:
            RulesError, SandboxError, SpoolError: it cannot go on.
        """
        with self._open:
            if self.order.memory is not None:
                self.memory = self._open.enter_context(ScanMemory(self.order.memory))
            known = known_rules(self.order.rules, self.collected)
            if known is None:
                self._scan_with_children(None, ())
            else:
                self._scan(*self.begin(map(str, known.problems), known.used))
        return self.tally

    def _scan(self, contexts: Contexts, files: Iterator[Outcome | Found]) -> None:
        """Without children, as far as that goes."""
        for file in files:
            if isinstance(file, Found):
                self._scan_with_children(contexts, chain((file,), files))
                return
            self.show(file)

    def _scan_with_children(self, contexts: Contexts | None, files: Iterable[Outcome | Found]) -> None:
        from sampler.cli.scan_children import scan_with_children  # noqa: PLC0415  # see above

        scan_with_children(self, contexts, files)

    def begin(self, problems: Iterable[str], used: tuple[str, ...]) -> tuple[Contexts, Iterator[Outcome | Found]]:
        """Say what is wrong with the rules, and begin to walk: what results depend on, and the files.

        Args:
            problems: of the rules.
            used: the variables that rules look at.
        """
        for problem in problems:
            warn(f"rule left out: {problem}")
        self._advance = self._open.enter_context(_progress())
        contexts = Contexts(self.collected.version, used, repr(self.order.limits))
        found = walk(self.order.paths, self.order.selection)
        return contexts, recalled(found, contexts, self.memory, hit_bytes=self.order.hit_bytes)

    def show(self, outcome: Outcome) -> None:
        """Count and print what became of a file."""
        self.tally.add(outcome)
        self.printer.show(outcome)
        self._advance()


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
