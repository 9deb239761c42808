"""Scanning trees: every file is looked at where it lies, and only what matches is fixed and confirmed.

It owns the order of ``sampler scan``: walk, recall, look at the live file in the sandbox (``sweep.sweeping``), and for
a match take a snapshot and scan that. Nothing is reported of bytes that were not scanned as a whole: a file that
changes meanwhile is scanned again, and named as changing in the end. It never parses, never sends, and never skips a
file in silence. What is exported here is all that a sweep over unchanged files needs; it takes little time to import.
"""

from sampler.sweep.contexts import Contexts
from sampler.sweep.outcomes import FileFailure, FileReport, Outcome
from sampler.sweep.recalling import recalled, state_of

__all__ = ["Contexts", "FileFailure", "FileReport", "Outcome", "recalled", "state_of"]
