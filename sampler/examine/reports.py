"""What is said of rules and of what a scan left out, alike for objects and for the memory of processes."""

from __future__ import annotations

from collections.abc import Iterator

from sampler.errors import RulesError, SandboxError
from sampler.examine.messages import MessageError, Unusable, decode_preparation, encode, encode_ready, sendable
from sampler.examine.settings import RuleReport
from sampler.model import Problem
from sampler.sandbox import Prepared
from sampler.scan import RuleSet, ScanResult


def report_on(rules: RuleSet) -> bytes:
    """What a nursery tells of the rules that it loaded."""
    problems = tuple(str(problem) for problem in rules.problems)
    return encode_ready(RuleReport(rules.version, rules.rule_count, problems, rules.used))


def without_rules(error: RulesError) -> Prepared:
    """What a nursery has prepared when no rule can be used: it says so, and so does every child."""
    unusable = encode(Unusable(sendable(str(error))))
    return Prepared(lambda request, descriptor: unusable, unusable)


def report_in(preparation: bytes) -> RuleReport:
    """What a nursery told.

    Raises:
        RulesError: it has no usable rules.
        SandboxError: it was never started, or reported nonsense.
    """
    try:
        told = decode_preparation(preparation)
    except MessageError as error:
        raise SandboxError(f"the sandbox reported no rules: {error}") from error
    if isinstance(told, Unusable):
        raise RulesError(told.message)
    return told.report


def left_out(found: ScanResult) -> Iterator[Problem]:
    """What of a scan's result is not there, each as a problem."""
    if found.matches_total > len(found.matches):
        kept = f"{len(found.matches)} of {found.matches_total} matching rules are kept"
        yield Problem("scan", "too-many-matches", kept)
    if found.overflows:
        yield Problem("scan", "too-many-hits", sendable(f"hits were not counted on: {', '.join(found.overflows)}"))
