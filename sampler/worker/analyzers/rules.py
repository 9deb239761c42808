"""``sampler scan`` over all contents of a task with a rule set of the worker's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sampler.wire.messages import Fields
from sampler.worker.analyzers.command import SAMPLES, CommandAnalyzer, failure
from sampler.worker.analyzers.demo import RULE_FIELD, SEVERITY_FIELD, judge
from sampler.worker.analyzers.interface import AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import ProcessLimits, Run

_NOTHING, _FOUND = 0, 1
"""Exit statuses of ``sampler scan``."""
_SEVERITY: Final = "severity"


class _Rule(msgspec.Struct, frozen=True):
    name: str
    meta: list[tuple[str, Any]] = []


class _Line(msgspec.Struct, frozen=True):
    rule: list[_Rule] = []


_decoder = msgspec.json.Decoder(_Line)


def rules_scan(limits: ProcessLimits, *, rules: Sequence[Path]) -> CommandAnalyzer:
    """An analyzer that is ``sampler scan``, with these rules or, where none are named, with those that ship with it.

    Raises:
        SettingsError: the program is not there.
    """
    named = [word for each in rules for word in ("--rules", str(each.absolute()))]
    program = [sys.executable, "-P", "-m", "sampler"]  # nothing is imported from the task's folder
    words = [*program, "scan", "--json", "--no-cache", *named, SAMPLES]
    return CommandAnalyzer(words, read, name="rules", limits=limits)


def read(run: Run) -> AnalyzerVerdict | AnalyzerFailure:
    """The verdict that the worst matching rule stands for."""
    if run.status not in (_NOTHING, _FOUND):
        return failure(f"sampler scan ended with status {run.status}", run)
    try:
        lines = [_decoder.decode(line) for line in run.stdout.splitlines()]
    except msgspec.DecodeError as error:
        return failure(f"sampler scan printed something else: {error}", run)
    return judge([_match(rule) for line in lines for rule in line.rule], ())


def _match(rule: _Rule) -> Fields:
    meta = dict(rule.meta)
    told: Fields = {RULE_FIELD: rule.name}
    return told if _SEVERITY not in meta else {**told, SEVERITY_FIELD: str(meta[_SEVERITY])}
