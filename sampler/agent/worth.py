"""What a finding is worth in a full spool. Pure."""

from __future__ import annotations

from typing import Final

from sampler.model import Finding, Reason
from sampler.permit.policy_rules import severity_of
from sampler.spool import Worth

_DETECTED: Final = 50
"""Of what a local scanner detected and no rule knows; any local user can say so."""
_ASKED: Final = 75
"""Of what a person, here or at the queue, waits for."""


def worth_of(finding: Finding, uid: int) -> Worth:
    """By its gravest rule, and by who wants it.

    What no rule knows counts for the user who flagged it: names of detections are a caller's own words, and nobody
    gets a larger share of the spool by inventing new ones.
    """
    gravest = max(finding.matches, key=severity_of, default=None)
    severity = severity_of(gravest) if gravest else 0
    if finding.detections:
        severity = max(severity, _DETECTED)
    if finding.answers is not None or finding.reason is Reason.ANALYST:
        severity = max(severity, _ASKED)
    return Worth(gravest.rule if gravest else f"user {uid}", severity)
