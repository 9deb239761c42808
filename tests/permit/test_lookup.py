"""What of a hash may be asked of a queue: never without consent, never of what stays, never more than a few bits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.model import LookUpQuestion, LookUpRefusal, ObjectState, Refusal, Sampling, Scope
from sampler.model.lookup import claim_lookup_sealer
from sampler.permit import Consent, Policy, permit_look_up, shipped_statement
from sampler.wire.lookup_messages import prefix_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BASIC = shipped_statement("basic")
ALL = Consent(BASIC.ref, BASIC.scopes, "root", NOW - timedelta(days=1))
HASH = "b7" + "ab" * 31


def asked(bits: int = 8, **changes: Any) -> LookUpQuestion | LookUpRefusal:
    usual: dict[str, Any] = {"bits_max": 16, "statement": BASIC, "consent": ALL, "policy": Policy(), "now": NOW}
    return permit_look_up(HASH, bits, **usual | changes)


def test_the_first_bits_and_no_more() -> None:
    """Under the scope that hashes need, and the statement that was accepted."""
    question = asked(8)
    assert isinstance(question, LookUpQuestion)
    assert (question.bits, question.prefix) == (8, 0xB7)
    assert (question.statement, question.scopes) == (BASIC.ref, frozenset({Scope.REPUTATION}))
    nothing = asked(0)
    assert isinstance(nothing, LookUpQuestion)
    assert nothing.prefix == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"consent": None}, "P1 no-consent"),
        ({"consent": ALL.without(None, "root", NOW)}, "P1 no-consent"),
        ({"consent": replace(ALL, expires=NOW)}, "P1 no-consent"),
        ({"statement": shipped_statement("extended")}, "P2 other-statement"),
        ({"consent": ALL.without(frozenset({Scope.REPUTATION}), "root", NOW)}, "P3 scope-not-accepted"),
        ({"policy": Policy(sampling_max=Sampling.NONE)}, "L4 policy-ceiling"),
        ({"refused": Refusal("x", ObjectState.REFUSED, "P4 excluded-path", "why")}, "L5 object-stays"),
        ({"bits_max": 7}, "L6 prefix-too-long"),
    ],
)
def test_each_rule_refuses(changes: dict[str, Any], rule: str) -> None:
    """By its number, in words."""
    refused = asked(8, **changes)
    assert isinstance(refused, LookUpRefusal)
    assert refused.rule == rule
    assert refused.detail


def test_a_question_cannot_be_made_elsewhere() -> None:
    """The one sealer is taken."""
    with pytest.raises(TypeError, match="permit"):
        LookUpQuestion(256, int(HASH, 16), BASIC.ref, frozenset())
    with pytest.raises(TypeError, match="permit"):
        claim_lookup_sealer()


@settings(deadline=None)
@given(sha256=st.binary(min_size=32, max_size=32), bits=st.integers(-3, 256), ceiling=st.integers(0, 24))
def test_never_more_bits_than_the_host_tells(sha256: bytes, bits: int, ceiling: int) -> None:
    """Whatever a queue asks for; and the prefix is that of the hash."""
    question = permit_look_up(sha256.hex(), bits, ceiling, BASIC, ALL, Policy(), NOW)
    if isinstance(question, LookUpRefusal):
        assert not 0 <= bits <= ceiling
        return
    assert question.bits == bits <= ceiling
    assert question.prefix == prefix_of(sha256.hex(), bits) < 1 << bits
