"""``sampler scan --pid``: the rules over the memory of processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sampler.cli.output import warn
from sampler.cli.scan_children import settings_of
from sampler.cli.scan_output import Printer, ProcessFailure, Tally
from sampler.cli.scan_run import ScanOrder
from sampler.examine import ExamineSettings
from sampler.examine.process_memory import ProcessScanner
from sampler.model import Failure


def scan_processes(order: ScanOrder, pids: Sequence[int], printer: Printer) -> Tally:
    """Scan processes one after another and print what is found; what it came to.

    Raises:
        RulesError, SandboxError: it cannot go on.
    """
    return asyncio.run(_scan(settings_of(order), pids, printer))


async def _scan(settings: ExamineSettings, pids: Sequence[int], printer: Printer) -> Tally:
    tally = Tally()
    async with ProcessScanner(settings) as scanner:
        for missing in scanner.confinement.missing:
            warn(f"the sandbox lacks: {missing}")
        for problem in scanner.report.problems:
            warn(f"rule left out: {problem}")
        for pid in pids:
            outcome = await scanner.scan(pid)
            shown = ProcessFailure(pid, outcome.code, outcome.detail) if isinstance(outcome, Failure) else outcome
            tally.add_process(shown)
            printer.show_process(shown)
    return tally
