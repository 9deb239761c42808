"""The administrator's narrowing of what the owner agreed to. It can only take away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sampler.limits import OBJECT_MAX_BYTES, WHOLE_MAX_BYTES
from sampler.model import ContentKind, Finding, Sampling, Spent, WholeSwitch
from sampler.permit.path_globs import covering
from sampler.permit.policy_rules import Narrowing, PolicyRule

SAFE_KINDS: Final = frozenset({ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER, ContentKind.SCRIPT})
"""Unlikely to hold personal data. Everything else, known or not, counts as holding some."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may leave at most, whatever was accepted and asked for."""

    sampling_max: Sampling = Sampling.WHOLE
    whole: WholeSwitch = WholeSwitch.SAFE
    whole_max_bytes: int = WHOLE_MAX_BYTES
    exclude_paths: tuple[str, ...] = ()
    """Globs (``*`` also crosses ``/``); a folder stands for all that is in it. Nothing of what matches leaves."""
    rules: tuple[PolicyRule, ...] = ()
    bytes_per_day: int | None = None
    """Of contents, in any 24 hours; ``None``: as many as there are."""
    objects_per_day: int | None = None
    """With contents, in any 24 hours; ``None``: as many as there are."""

    def __post_init__(self) -> None:
        if not 0 < self.whole_max_bytes <= OBJECT_MAX_BYTES:
            raise ValueError(f"whole_max_bytes is 1 to {OBJECT_MAX_BYTES}, not {self.whole_max_bytes}")
        for pattern in self.exclude_paths:
            if not pattern or "\0" in pattern:
                raise ValueError(f"not a path pattern: {pattern!r}")
        for ceiling in (self.bytes_per_day, self.objects_per_day):
            if ceiling is not None and ceiling < 0:
                raise ValueError(f"a day's ceiling is at least 0, not {ceiling}")

    def excluding(self, path: bytes | None) -> str | None:
        """The pattern that keeps a path here, or ``None``; ``..`` and doubled slashes do not get around it."""
        return covering(self.exclude_paths, path)

    def narrowed(self, finding: Finding, local: datetime) -> Narrowing:
        """What the policy and all its rules that apply leave of an object, at a moment in the host's own time."""
        narrowing = Narrowing(self.sampling_max, self.whole)
        for number, rule in enumerate(self.rules, 1):
            if rule.conditions.hold_for(finding, local):
                narrowing = narrowing.and_by(number, rule)
        return narrowing

    def has_room(self, spent: Spent, content_bytes: int) -> bool:
        """Whether one more object with so many bytes of contents fits into the day."""
        return (self.bytes_per_day is None or spent.content_bytes + content_bytes <= self.bytes_per_day) and (
            self.objects_per_day is None or spent.objects < self.objects_per_day
        )
