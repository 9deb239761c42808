"""The part of ``sampler scan`` that runs rules: children, and the sweep that gives them files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sampler.agent.examining import examine_settings
from sampler.cli.output import warn
from sampler.cli.scan_run import ScanOrder, ScanRun
from sampler.errors import RulesError
from sampler.examine import Examiner, ExamineSettings
from sampler.sweep import Contexts, Outcome
from sampler.sweep.sweeping import Sweep, SweepSettings
from sampler.walk import Found


def settings_of(order: ScanOrder) -> ExamineSettings:
    """The agent's settings, with what was ordered in their place."""
    assert order.rules.cache is not None  # the command names one
    own = examine_settings(order.agents, order.rules.places, order.rules.cache)
    return replace(
        own,
        rules=order.rules,
        limits=order.limits,
        children=order.children,
        rules_only=True,
        deadline_seconds=max(own.deadline_seconds, 2.0 * order.limits.timeout_seconds),
    )


def scan_with_children(run: ScanRun, contexts: Contexts | None, files: Iterable[Outcome | Found]) -> None:
    """Scan what is not known, and show all of it.

    Args:
        run: what this is a part of.
        contexts: what results depend on; ``None``: the rules have to be compiled before that, and any file, is known.
        files: what is to be scanned, and what is known already, where there are contexts.

    Raises:
        RulesError, SandboxError, SpoolError: it cannot go on.
    """
    asyncio.run(_scan(run, contexts, files))


async def _scan(run: ScanRun, contexts: Contexts | None, files: Iterable[Outcome | Found]) -> None:
    async with AsyncExitStack() as stack:
        examiner = Examiner(settings_of(run.order))
        stack.push_async_callback(examiner.close)
        if contexts is None:
            report = await examiner.start()
            contexts, files = run.begin(report.problems, report.used)
        spool = Path(stack.enter_context(TemporaryDirectory(prefix="sampler-scan-")))
        outcomes = await stack.enter_async_context(aclosing(_sweep(run, examiner, contexts, spool).outcomes(files)))
        async for outcome in outcomes:
            run.show(outcome)


def _sweep(run: ScanRun, examiner: Examiner, contexts: Contexts, spool: Path) -> Sweep:
    order = run.order

    async def start() -> None:
        report = await examiner.start()
        if report.version != run.collected.version:
            raise RulesError("the rules changed while they were being loaded; scan again")
        for missing in examiner.confinement.missing:
            warn(f"the sandbox lacks: {missing}")

    settings = SweepSettings(spool, order.children, order.max_bytes, order.hit_bytes)
    return Sweep(examiner, start, contexts, run.memory, settings)
