"""How objects are examined, from what an operator set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sampler.agent.settings import ExamineSection
from sampler.examine import ExamineSettings
from sampler.scan import RuleSettings, ScanLimits


def examine_settings(section: ExamineSection, rule_places: Sequence[Path], cache: Path) -> ExamineSettings:
    """What an examiner is told.

    Args:
        section: ``[examine]``.
        rule_places: the folders, files and packs of rules that are in force.
        cache: the private folder where compiled rules are kept.
    """
    return ExamineSettings(
        rules=RuleSettings(tuple(rule_places), section.engine, dict(section.externals), cache),
        limits=ScanLimits(timeout_seconds=section.timeout_seconds),
        children=section.children,
        deadline_seconds=section.deadline_seconds,
        memory_max_bytes=section.memory_max_bytes,
        require_sandbox=section.require_sandbox,
    )
