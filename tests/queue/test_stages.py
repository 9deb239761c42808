from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.model import Conclusion, Verdict
from sampler.queue.stages import ONE_STAGE, Outcome, Stage, check_plan, conclude, next_stage

NOW = datetime(2026, 1, 2, tzinfo=UTC)
THREE = (Stage("static"), Stage("sandbox"), Stage("person", only_after=(Conclusion.SUSPICIOUS, Conclusion.UNKNOWN)))
VERDICTS = st.builds(
    Verdict,
    st.sampled_from(Conclusion),
    st.integers(0, 100),
    st.text("abc", min_size=1, max_size=4),
    st.datetimes(timezones=st.just(UTC)),
)


def _outcome(
    stage: int, conclusion: Conclusion, score: int = 50, *, family: str | None = None, note: str | None = None
) -> Outcome:
    verdict = Verdict(conclusion, score, f"a{stage}", NOW + timedelta(seconds=stage), family, note)
    return Outcome(stage, "d" * 64, verdict=verdict)


def test_one_stages_verdict_is_the_tasks() -> None:
    """A single verdict comes through as it is, and none makes none."""
    outcome = _outcome(0, Conclusion.BENIGN, note="n")
    assert conclude(ONE_STAGE, [outcome]) is outcome.verdict
    assert (
        conclude(THREE, [Outcome(0, "d", failure="f"), _outcome(1, Conclusion.BENIGN)])
        == _outcome(1, Conclusion.BENIGN).verdict
    )
    assert conclude(THREE, [Outcome(0, "d", failure="f")]) is None


def test_the_worst_conclusion_counts() -> None:
    """Of several stages the worst conclusion with its highest score is the task's, and the note names each."""
    outcomes = [
        _outcome(0, Conclusion.SUSPICIOUS, 90),
        _outcome(1, Conclusion.MALICIOUS, 60, family="f"),
        _outcome(2, Conclusion.UNKNOWN, 0, note="n"),
    ]
    verdict = conclude(THREE, outcomes)
    assert verdict is not None
    assert (verdict.conclusion, verdict.score, verdict.family) == (Conclusion.MALICIOUS, 60, "f")
    assert (verdict.analyzer, verdict.at) == ("a0, a1, a2", NOW + timedelta(seconds=2))
    assert verdict.note == "static: suspicious 90; sandbox: malicious 60; person: unknown 0 (n)"


def test_who_cannot_tell_takes_nothing_from_who_can() -> None:
    """Unknown beside benign is benign."""
    verdict = conclude(THREE, [_outcome(0, Conclusion.UNKNOWN), _outcome(1, Conclusion.BENIGN)])
    assert verdict is not None
    assert verdict.conclusion is Conclusion.BENIGN


@given(st.lists(VERDICTS, min_size=1, max_size=3))
def test_together_is_never_better_than_the_worst(verdicts: list[Verdict]) -> None:
    """Whatever stages say, the conclusion is one of theirs, none is worse, and its texts fit a verdict."""
    together = conclude(THREE, [Outcome(number, "d", verdict=each) for number, each in enumerate(verdicts)])
    assert together is not None
    order = list(Conclusion)
    assert together.conclusion in {each.conclusion for each in verdicts}
    assert all(order.index(together.conclusion) <= order.index(each.conclusion) for each in verdicts)
    assert together.score == max(each.score for each in verdicts if each.conclusion is together.conclusion)


def test_a_stage_is_left_out_where_it_is_not_needed() -> None:
    """A stage that waits for a conclusion comes only after one of those it names."""
    assert next_stage(THREE, 1, [_outcome(0, Conclusion.BENIGN)]) == 1
    assert next_stage(THREE, 2, [_outcome(0, Conclusion.BENIGN)]) is None
    assert next_stage(THREE, 2, [_outcome(0, Conclusion.SUSPICIOUS)]) == 2
    assert next_stage(THREE, 2, [Outcome(0, "d", failure="f")]) is None
    assert next_stage(THREE, 3, [_outcome(0, Conclusion.UNKNOWN)]) is None


@pytest.mark.parametrize(
    "plan", [(), ONE_STAGE * 17, (Stage("static", only_after=(Conclusion.BENIGN,)),)], ids=["none", "many", "late"]
)
def test_a_plan_that_cannot_be_worked_through_is_refused(plan: tuple[Stage, ...]) -> None:
    """No stage, too many, a first one that waits for something: none is a plan."""
    check_plan(THREE)
    with pytest.raises(ValueError, match="stage"):
        check_plan(plan)


@pytest.mark.parametrize("kind", ["", "A", "a/b", "a b", "a" * 33, "a\n"])
def test_a_kind_is_a_short_name(kind: str) -> None:
    """What could not stand in a lane's name is no kind."""
    with pytest.raises(ValueError, match="kind"):
        Stage(kind)


def test_an_outcome_is_one_thing() -> None:
    """A stage ends with a verdict or with a failure, never with both or neither."""
    with pytest.raises(ValueError, match="verdict or with a failure"):
        Outcome(0, "d")
