"""What a finding is worth in a full spool, and for whose share it counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sampler.agent.worth import worth_of
from sampler.model import ContentKind, Finding, Plan, Reason, RuleMatch, Sampling
from sampler.spool import Worth


def _match(rule: str, severity: int | str | None = None) -> RuleMatch:
    meta = () if severity is None else (("severity", severity),)
    return RuleMatch(rule=rule, namespace="rules.yar", tags=(), meta=meta, hits=(), hits_total=0)


def _finding(
    *matches: RuleMatch,
    detections: tuple[str, ...] = (),
    reason: Reason = Reason.DETECTION,
    answers: str | None = None,
) -> Finding:
    return Finding(
        event_id="1",
        created=datetime(2026, 11, 25, tzinfo=UTC),
        reason=reason,
        sha256="a" * 64,
        size=1,
        kind=ContentKind.OTHER,
        mime_type="application/octet-stream",
        ruleset_version="1",
        plan=Plan(Sampling.METADATA),
        detections=detections,
        matches=matches,
        answers=answers,
    )


@pytest.mark.parametrize(
    ("finding", "worth"),
    [
        pytest.param(_finding(_match("A", "low"), _match("B", "critical"), _match("C")), Worth("B", 100), id="gravest"),
        pytest.param(_finding(_match("A", 30), _match("B", 30)), Worth("A", 30), id="the first of the same"),
        pytest.param(_finding(_match("A")), Worth("A", 0), id="a rule that says nothing"),
        pytest.param(_finding(), Worth("user 1000", 0), id="no rule"),
        pytest.param(_finding(detections=("New.Name.1",)), Worth("user 1000", 50), id="a scanner's word"),
        pytest.param(_finding(_match("A", 10), detections=("X",)), Worth("A", 50), id="rule and scanner"),
        pytest.param(_finding(_match("A", 10), reason=Reason.ANALYST), Worth("A", 75), id="an analyst waits"),
        pytest.param(_finding(_match("A", 90), answers="ask"), Worth("A", 90), id="the queue waits"),
        pytest.param(_finding(answers="ask"), Worth("user 1000", 75), id="the queue waits for what no rule knows"),
    ],
)
def test_worth(finding: Finding, worth: Worth) -> None:
    """The gravest rule decides, then who wants it; names that a caller made up make no group of their own."""
    assert worth_of(finding, 1000) == worth
