"""What comes to a conclusion about a task: one file an analyzer, behind one small interface.

An analyzer gets the task, a private folder and the verified contents in it. It answers with a verdict, or with a
failure when it could not tell; it never talks to the queue and never keeps anything from one task to the next.
"""

from sampler.worker.analyzers.command import ExecAnalyzer
from sampler.worker.analyzers.demo import DemoAnalyzer
from sampler.worker.analyzers.interface import Analyzer, AnalyzerFailure, AnalyzerVerdict

__all__ = ["Analyzer", "AnalyzerFailure", "AnalyzerVerdict", "DemoAnalyzer", "ExecAnalyzer"]
