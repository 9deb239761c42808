"""``[policy]`` of ``agent.toml``: how the administrator narrows what the owner agreed to, and what waits for people."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from sampler.limits import MIB, PENDING_MAX_BYTES, PENDING_MAX_COUNT, PENDING_SECONDS
from sampler.model import ContentKind, Reason, Sampling, WholeSwitch

Positive = Annotated[int, Meta(gt=0)]
Seconds = Annotated[float, Meta(gt=0)]
Ceiling = Annotated[int, Meta(ge=0)]
Severity = Annotated[int, Meta(ge=0, le=100)] | Literal["info", "low", "medium", "high", "critical"]
Glob = Annotated[str, Meta(min_length=1, max_length=4096)]


class PolicyRuleSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[[policy.rules]]``: where all of its conditions hold, less may leave; an absent condition holds."""

    paths: list[Glob] = []
    """Globs, as in ``exclude_paths``."""
    kinds: list[ContentKind] = []
    mime_types: list[Glob] = []
    """Globs."""
    rules: list[Glob] = []
    """Globs: one of the YARA rules that matched is called so."""
    severity_at_least: Severity | None = None
    """The worst among the rules that matched; without any it is 0."""
    severity_below: Severity | None = None
    size_above_bytes: Ceiling | None = None
    reasons: list[Reason] = []
    between: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """Hours of each day, in the host's own time."""
    sampling_max: Sampling = Sampling.WHOLE
    whole: WholeSwitch = WholeSwitch.ALL
    hold: bool = False
    """Contents leave only once a person approved them."""


class PolicySection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[policy]``: the administrator's narrowing of what the owner agreed to; it never widens."""

    sampling_max: Sampling = Sampling.WHOLE
    whole: WholeSwitch = WholeSwitch.SAFE
    whole_max_bytes: Positive = 256 * MIB
    exclude_paths: list[str] = []
    """Globs; nothing of an object whose path matches one leaves."""
    bytes_per_day: Ceiling | None = None
    """Of contents, in any 24 hours."""
    objects_per_day: Ceiling | None = None
    """With contents, in any 24 hours."""
    rules: list[PolicyRuleSection] = []
    pending_seconds: Seconds = PENDING_SECONDS
    """How long something waits for approval."""
    pending_max_bytes: Ceiling = PENDING_MAX_BYTES
    """What may wait together; 0 holds nothing, and what would have to be held is left out."""
    pending_max_count: Ceiling = PENDING_MAX_COUNT
