"""What an examiner is told, and what it reports when it has loaded its rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from sampler.limits import CHILD_MEMORY_MAX_BYTES, EXAMINE_DEADLINE_SECONDS, LARGE_OBJECT_BYTES_PER_SECOND
from sampler.scan import RuleSettings, ScanLimits


@dataclass(frozen=True, slots=True)
class ExamineSettings:
    """How objects are examined."""

    rules: RuleSettings
    limits: ScanLimits = field(default_factory=ScanLimits)
    """Of one scan; ``deadline_seconds`` stands behind its timeout."""
    children: int = 2
    """Processes that examine, each one object at a time."""
    deadline_seconds: float = EXAMINE_DEADLINE_SECONDS
    """For one object."""
    memory_max_bytes: int = CHILD_MEMORY_MAX_BYTES
    """For one child, rules included."""
    rules_only: bool = False
    """Children that load no parser: for scanning alone."""
    require_sandbox: bool = False
    """Examine nothing where the kernel lacks a part of the children's confinement."""


def seconds_for_size(size: int) -> int:
    """How much longer the rules, and a child, may take for an object of ``size`` bytes than for an empty one."""
    return size // LARGE_OBJECT_BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class RuleReport:
    """The rules that run, and what was wrong with the others."""

    version: str
    rule_count: int
    problems: tuple[str, ...] = ()
    """``file:line: message``."""
    used: tuple[str, ...] = ()
    """The external variables that tell rules of one object and that some rule looks at."""
