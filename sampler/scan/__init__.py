"""Scanning with YARA rules: finding, reading and compiling rule files, running them, and what their metadata asks for.

It owns the doors to the engines. One bad rule file never takes down the others: it is left out and named with its
line. Rules are compiled from source here and nowhere else; compiled rules of anyone else are never loaded. Includes do
not leave their rule folder. What a scan yields is bounded in number, and an engine that fails or does not end is an
error of ours. It never opens the object that it scans.
"""

from sampler.scan.asking import asked_of
from sampler.scan.collecting import Collected
from sampler.scan.engine import EXTERNALS, ExternalValue, ScanLimits, ScanResult
from sampler.scan.rule_files import RuleProblem
from sampler.scan.ruleset import KnownRules, RuleSet, RuleSettings, known_rules
from sampler.scan.source import RuleWriting

__all__ = [
    "EXTERNALS",
    "Collected",
    "ExternalValue",
    "KnownRules",
    "RuleProblem",
    "RuleSet",
    "RuleSettings",
    "RuleWriting",
    "ScanLimits",
    "ScanResult",
    "asked_of",
    "known_rules",
]
