from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.model import Conclusion, Scope
from sampler.queue.records import Submission
from sampler.queue.retention_rules import Facts, RetentionPolicy, RetentionRule, due, facts_of
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FACTS = Facts(
    received=NOW,
    device="d",
    tenant="bank",
    reason="detection",
    mime_type="application/pdf",
    region="eu",
    scopes=("documents", "whole"),
    conclusion=Conclusion.BENIGN,
)


def _days(policy: RetentionPolicy, facts: Facts = FACTS) -> tuple[float, float]:
    found = due(policy, facts)
    return (found.contents - NOW) / timedelta(days=1), (found.records - NOW) / timedelta(days=1)


def test_a_year_unless_somebody_says_less() -> None:
    """Both are kept for a year; a statement bounds contents and says nothing of records."""
    assert _days(RetentionPolicy()) == (365, 365)
    assert _days(RetentionPolicy(), replace(FACTS, statement_days=90)) == (90, 365)
    assert _days(RetentionPolicy(contents_days=30), replace(FACTS, statement_days=90)) == (30, 365)
    assert due(RetentionPolicy(), replace(FACTS, statement_days=90)).contents_why == "the owner's statement"


def test_records_do_not_go_before_their_contents() -> None:
    """Contents go with the records at the latest, for the same reason."""
    policy = RetentionPolicy(contents_days=90, records_days=10)
    assert _days(policy) == (10, 10)
    assert due(policy, FACTS).contents_why == "retention.records_days"


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        (RetentionRule(), True),
        (RetentionRule(mime_types=("image/*", "application/*")), True),
        (RetentionRule(mime_types=("image/*",)), False),
        (RetentionRule(verdicts=(Conclusion.BENIGN, Conclusion.UNKNOWN)), True),
        (RetentionRule(verdicts=(Conclusion.MALICIOUS,)), False),
        (RetentionRule(scopes=(Scope.DOCUMENTS,)), True),
        (RetentionRule(scopes=(Scope.MEMORY,)), False),
        (RetentionRule(reasons=("analyst",)), False),
        (RetentionRule(regions=("eu",), tenants=("bank",)), True),
        (RetentionRule(regions=("eu",), tenants=("shop",)), False),
    ],
)
def test_a_rule_is_about_what_meets_all_its_conditions(rule: RetentionRule, applies: bool) -> None:
    """And about nothing else."""
    policy = RetentionPolicy(rules=(replace(rule, contents_days=7, records_days=9),))
    assert _days(policy) == ((7, 9) if applies else (365, 365))


def test_without_a_verdict_no_rule_about_verdicts_applies() -> None:
    """What nobody has concluded anything about is not benign."""
    policy = RetentionPolicy(rules=(RetentionRule(verdicts=(Conclusion.BENIGN,), contents_days=7),))
    assert _days(policy, replace(FACTS, conclusion=None)) == (365, 365)


_RULES = st.builds(
    RetentionRule,
    verdicts=st.lists(st.sampled_from(Conclusion), max_size=2).map(tuple),
    scopes=st.lists(st.sampled_from(Scope), max_size=2).map(tuple),
    contents_days=st.none() | st.integers(0, 500).map(float),
    records_days=st.none() | st.integers(0, 500).map(float),
)
_POLICIES = st.builds(
    RetentionPolicy,
    contents_days=st.integers(0, 500).map(float),
    records_days=st.integers(0, 500).map(float),
    rules=st.lists(_RULES, max_size=4).map(tuple),
)
_FACTS = st.builds(
    lambda days, conclusion, scopes: replace(FACTS, statement_days=days, conclusion=conclusion, scopes=tuple(scopes)),
    st.none() | st.integers(0, 500),
    st.none() | st.sampled_from(Conclusion),
    st.lists(st.sampled_from([scope.value for scope in Scope]), max_size=3),
)


@given(_POLICIES, _RULES, _FACTS)
def test_no_rule_keeps_anything_longer(policy: RetentionPolicy, rule: RetentionRule, facts: Facts) -> None:
    """One more rule, wherever it stands, only shortens, and order means nothing."""
    before = due(policy, facts)
    behind = due(replace(policy, rules=(*policy.rules, rule)), facts)
    front = due(replace(policy, rules=(rule, *policy.rules)), facts)
    assert behind.contents <= before.contents
    assert behind.records <= before.records
    assert (behind.contents, behind.records) == (front.contents, front.records)
    assert behind.contents <= behind.records


@given(_POLICIES, _FACTS)
def test_a_statement_is_kept_to(policy: RetentionPolicy, facts: Facts) -> None:
    """Whatever the operator's rules say, contents go when the statement says so at the latest."""
    if facts.statement_days is not None:
        assert due(policy, facts).contents <= NOW + timedelta(days=facts.statement_days)


def test_a_change_of_the_rules_is_seen() -> None:
    """Other rules have another digest; how long they have to stand is no part of them."""
    policy = RetentionPolicy(rules=(RetentionRule(contents_days=7),))
    assert policy.digest == replace(policy, settle_seconds=1).digest
    assert policy.digest != RetentionPolicy().digest
    assert policy.digest != replace(policy, contents_days=1).digest


def test_facts_are_those_of_the_manifest() -> None:
    """Each content counts once, each rule once, and what the host did not say is empty."""
    content = ContentMessage(sha256="b" * 64, size=5)
    statement = StatementMessage(
        id="extended", version=1, digest="0" * 64, region="eu", retention_days=90, scopes=[Scope.WHOLE]
    )
    manifest = Manifest(
        id="11111111-1111-4111-8111-111111111111",
        created=NOW,
        object=ObjectMessage(sha256="b" * 64, size=5),
        statement=statement,
        fields={"event.reason": "detection", "file.mime_type": "text/plain"},
        matches=[{"rule.name": "B"}, {"rule.name": "A"}, {"rule.name": "B"}, {}],
        contents=[content, content],
    )
    submission = Submission(manifest.id, "d", NOW, b"x", "bank")
    assert facts_of(manifest, submission) == Facts(
        NOW, "d", "bank", "detection", "text/plain", "eu", ("whole",), 90, ("B", "A"), 1, 5
    )
    bare = facts_of(
        Manifest(
            id=manifest.id,
            created=NOW,
            object=manifest.object,
            statement=StatementMessage(id="b", version=1, digest="0" * 64),
        ),
        submission,
    )
    assert bare == Facts(NOW, "d", "bank")
