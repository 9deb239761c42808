"""What comes to a conclusion about a task: one file an analyzer, behind one small interface.

An analyzer gets the task, a private folder and the verified contents in it. It answers with a verdict, or with a
failure when it could not tell; it never talks to the queue and never keeps anything from one task to the next. Those
that are programs run under limits, without the network unless it was allowed, and leave nothing behind.
"""

from sampler.worker.analyzers.capa import capa
from sampler.worker.analyzers.clamscan import clamscan
from sampler.worker.analyzers.command import CommandAnalyzer, ExecAnalyzer
from sampler.worker.analyzers.demo import DemoAnalyzer
from sampler.worker.analyzers.interface import Analyzer, AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import Owner, ProcessLimits, gives_namespaces
from sampler.worker.analyzers.rules import rules_scan

__all__ = [
    "Analyzer",
    "AnalyzerFailure",
    "AnalyzerVerdict",
    "CommandAnalyzer",
    "DemoAnalyzer",
    "ExecAnalyzer",
    "Owner",
    "ProcessLimits",
    "capa",
    "clamscan",
    "gives_namespaces",
    "rules_scan",
]
