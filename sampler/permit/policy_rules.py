"""Rules of the administrator's policy: under conditions, less may leave, or only what a person approved.

All rules whose conditions hold apply together, and the narrowest of what they say wins; so their order means nothing,
and one more rule never lets anything leave.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from sampler.model import ContentKind, Finding, Reason, RuleMatch, Sampling, WholeSwitch
from sampler.permit.path_globs import covering

SEVERITIES: Final = {"info": 0, "low": 25, "medium": 50, "high": 75, "critical": 100}
"""What the words of rules' metadata (rules/README.md) count as, where numbers from 0 to 100 stand as well."""

_BETWEEN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of each day, local time; one that ends before it begins goes over midnight."""

    start: time
    end: time
    """The first moment that is not in it."""

    @classmethod
    def parse(cls, text: str) -> Hours:
        """From ``22:00-06:00``; raises ``ValueError`` where it is none, or ends when it begins."""
        found = _BETWEEN.fullmatch(text)
        if found is None:
            raise ValueError(f"not hours of a day: {text[:32]!r}; write 22:00-06:00")
        hours = cls(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))
        if hours.start == hours.end:
            raise ValueError(f"{text} ends when it begins")
        return hours

    def hold_at(self, moment: time) -> bool:
        """Whether a moment lies in it."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule applies: all of them have to hold; one that is absent holds."""

    paths: tuple[str, ...] = ()
    """Globs, as for ``Policy.exclude_paths``."""
    kinds: tuple[ContentKind, ...] = ()
    """Of the whole object."""
    mime_types: tuple[str, ...] = ()
    """Globs (``image/*``)."""
    rules: tuple[str, ...] = ()
    """Globs; one of the YARA rules that matched is called so."""
    severity_at_least: int | None = None
    """The worst severity among the rules that matched; without any it is 0."""
    severity_below: int | None = None
    size_above_bytes: int | None = None
    reasons: tuple[Reason, ...] = ()
    between: Hours | None = None

    def __post_init__(self) -> None:
        for pattern in (*self.paths, *self.mime_types, *self.rules):
            if not pattern or "\0" in pattern:
                raise ValueError(f"not a pattern: {pattern!r}")
        for severity in (self.severity_at_least, self.severity_below):
            if severity is not None and not 0 <= severity <= 100:
                raise ValueError(f"a severity is 0 to 100, not {severity}")
        if self.size_above_bytes is not None and self.size_above_bytes < 0:
            raise ValueError(f"a size has at least 0 bytes, not {self.size_above_bytes}")

    def hold_for(self, finding: Finding, local: datetime) -> bool:
        """Whether all hold for a finding at a moment, given in the host's own time."""
        return self._hold_for_object(finding) and self._hold_for_matches(finding.matches) and self._hold_at(local)

    def _hold_for_object(self, finding: Finding) -> bool:
        return (
            (not self.paths or covering(self.paths, finding.path) is not None)
            and (not self.kinds or finding.kind in self.kinds)
            and (not self.mime_types or _is_like(finding.mime_type, self.mime_types))
            and (self.size_above_bytes is None or finding.size > self.size_above_bytes)
            and (not self.reasons or finding.reason in self.reasons)
        )

    def _hold_for_matches(self, matches: tuple[RuleMatch, ...]) -> bool:
        worst = max((severity_of(match) for match in matches), default=0)
        return (
            (not self.rules or any(_is_like(match.rule, self.rules) for match in matches))
            and (self.severity_at_least is None or worst >= self.severity_at_least)
            and (self.severity_below is None or worst < self.severity_below)
        )

    def _hold_at(self, local: datetime) -> bool:
        return self.between is None or self.between.hold_at(local.time())


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What is narrowed where conditions hold. Its defaults narrow nothing."""

    conditions: Conditions = Conditions()
    sampling_max: Sampling = Sampling.WHOLE
    whole: WholeSwitch = WholeSwitch.ALL
    hold: bool = False
    """Contents leave only once a person approved them."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a policy and those of its rules that apply leave of one object, and which rules those were."""

    sampling_max: Sampling
    whole: WholeSwitch
    hold: bool = False
    rules: tuple[int, ...] = ()
    """Their numbers in the policy, from 1 on."""

    def and_by(self, number: int, rule: PolicyRule) -> Narrowing:
        """The narrower of both in every respect."""
        return Narrowing(
            min(self.sampling_max, rule.sampling_max, key=lambda sampling: sampling.rank),
            min(self.whole, rule.whole, key=list(WholeSwitch).index),
            self.hold or rule.hold,
            (*self.rules, number),
        )

    @property
    def by(self) -> str:
        """For reasons: ``the policy``, or ``the policy with its rule 2``."""
        if not self.rules:
            return "the policy"
        numbers = ", ".join(map(str, self.rules))
        return f"the policy with its rule{'s' if len(self.rules) > 1 else ''} {numbers}"


def severity_of(match: RuleMatch) -> int:
    """0 to 100; what is neither such a number nor a known word counts as 0."""
    value = match.meta_value("severity")
    if isinstance(value, str):
        return SEVERITIES.get(value.lower(), 0)
    return value if type(value) is int and 0 <= value <= 100 else 0


def _is_like(text: str, globs: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, glob) for glob in globs)
