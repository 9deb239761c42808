"""The policy that the agent's settings describe, as the value that ``permit`` decides by.

Apart from the settings, which commands read that have nothing to decide and start faster without ``permit``.
"""

from __future__ import annotations

from sampler.agent.policy_settings import PolicyRuleSection, PolicySection
from sampler.errors import SettingsError
from sampler.permit import SEVERITIES, Conditions, Hours, Policy, PolicyRule


def policy_of(section: PolicySection) -> Policy:
    """The same as a value of ``permit``.

    Raises:
        SettingsError: a value can be none; the message says which.
    """
    try:
        return Policy(
            sampling_max=section.sampling_max,
            whole=section.whole,
            whole_max_bytes=section.whole_max_bytes,
            exclude_paths=tuple(section.exclude_paths),
            rules=tuple(map(_rule_of, section.rules)),
            bytes_per_day=section.bytes_per_day,
            objects_per_day=section.objects_per_day,
        )
    except ValueError as error:
        raise SettingsError(f"[policy] of the agent's settings: {error}") from error


def _rule_of(section: PolicyRuleSection) -> PolicyRule:
    conditions = Conditions(
        paths=tuple(section.paths),
        kinds=tuple(section.kinds),
        mime_types=tuple(section.mime_types),
        rules=tuple(section.rules),
        severity_at_least=_number(section.severity_at_least),
        severity_below=_number(section.severity_below),
        size_above_bytes=section.size_above_bytes,
        reasons=tuple(section.reasons),
        between=None if section.between is None else Hours.parse(section.between),
    )
    return PolicyRule(conditions, section.sampling_max, section.whole, section.hold)


def _number(severity: int | str | None) -> int | None:
    return SEVERITIES[severity] if isinstance(severity, str) else severity
