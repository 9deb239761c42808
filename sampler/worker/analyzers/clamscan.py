"""ClamAV's scanner over all contents of a task (clamscan(1))."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sampler.model import Conclusion
from sampler.worker.analyzers.command import SAMPLES, CommandAnalyzer, failure, shortened
from sampler.worker.analyzers.interface import AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import ProcessLimits, Run

_FOUND_SCORE: Final = 90
_UNWANTED_SCORE: Final = 50
_CLEAN, _FOUND = 0, 1
"""Exit statuses; 2 is an error, and then nothing was found."""
_LINE: Final = re.compile(rb"^[^\n]*: ([^\s:]+) FOUND$", re.MULTILINE)
"""``/path: Name FOUND``, one for each file in which something was found."""
_UNWANTED: Final = ("PUA.", "Heuristics.")
"""What these names begin with is unwanted or looks odd; it is not known to be malicious."""


def clamscan(limits: ProcessLimits, *, database: Path | None = None, program: str = "clamscan") -> CommandAnalyzer:
    """An analyzer that is ``clamscan``, with its own signatures or with those of ``database`` (a file or a folder).

    Raises:
        SettingsError: the program is not there.
    """
    chosen = [] if database is None else [f"--database={database.absolute()}"]
    words = [program, "--no-summary", "--stdout", *chosen, SAMPLES]
    return CommandAnalyzer(words, read, name="clamscan", limits=limits)


def read(run: Run) -> AnalyzerVerdict | AnalyzerFailure:
    """What was found; a file in which nothing is known may still be anything, so that is ``unknown``."""
    if run.status == _CLEAN:
        return AnalyzerVerdict(Conclusion.UNKNOWN, 0, note="clamscan found nothing")
    names = list(dict.fromkeys(name.decode("utf-8", "replace") for name in _LINE.findall(run.stdout)))
    if run.status != _FOUND or not names:
        return failure(f"clamscan ended with status {run.status}", run)
    family = min(names, key=lambda name: name.startswith(_UNWANTED))
    note = shortened(f"clamscan found {', '.join(names)}")
    if family.startswith(_UNWANTED):
        return AnalyzerVerdict(Conclusion.SUSPICIOUS, _UNWANTED_SCORE, shortened(family), note)
    return AnalyzerVerdict(Conclusion.MALICIOUS, _FOUND_SCORE, shortened(family), note)
