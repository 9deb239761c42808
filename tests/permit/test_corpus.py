"""Redaction held against the labelled corpus (``tests/permit/corpus``), class by class."""

from __future__ import annotations

import pytest

from benchmarks.redact.corpus import Case, Label, load
from benchmarks.redact.ours import treated
from benchmarks.redact.scoring import Score, Value, is_untouched, missing, scored, survivors

CASES = load()
_FLOORS = {
    Label.USER: 0.99,
    Label.HOST: 0.99,
    Label.CREDENTIAL: 0.99,
    Label.ADDRESS: 0.99,
    Label.MAIL: 0.99,
    Label.CARD: 0.99,
    Label.ID: 0.97,
}


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[Case, Value]]:
    return [(case, treated(case)) for case in CASES]


@pytest.fixture(scope="module")
def score(outcomes: list[tuple[Case, Value]]) -> Score:
    return scored(outcomes)


@pytest.mark.parametrize("label", Label)
def test_what_must_not_survive_does_not(label: Label, score: Score, outcomes: list[tuple[Case, Value]]) -> None:
    """Of each class, at least the share that docs/redaction.md promises is gone."""
    left = [
        (case.value, mark.text)
        for case, outcome in outcomes
        for mark in survivors(case, outcome)
        if mark.label is label
    ]
    assert score.recall(label) >= _FLOORS[label], left


def test_what_is_harmless_stays(score: Score, outcomes: list[tuple[Case, Value]]) -> None:
    """At least 99 of 100 harmless values leave as they were, to the letter."""
    touched = [
        (case.value, outcome) for case, outcome in outcomes if not case.marks and not is_untouched(case, outcome)
    ]
    assert score.untouched_rate >= 0.99, touched


def test_what_stands_beside_stays(score: Score, outcomes: list[tuple[Case, Value]]) -> None:
    """What an analyst needs beside a redacted piece is left: a value is not thrown away whole to be safe."""
    lost = [(case.value, pieces) for case, outcome in outcomes if case.marks and (pieces := missing(case, outcome))]
    assert score.left_rate >= 0.99, lost


def test_treating_twice_changes_nothing(outcomes: list[tuple[Case, Value]]) -> None:
    """Every case of the corpus, treated once more, stays as it is."""
    for case, outcome in outcomes:
        if outcome is not None:
            again = Case(case.origin, case.kind, outcome, (), "", (), case.host, is_held_out=case.is_held_out)
            assert treated(again) == outcome


def test_the_corpus_is_large_and_a_third_is_held_out() -> None:
    """Enough cases of each class, and of every kind of field, that a share of 99 percent means something."""
    assert len(CASES) >= 900
    assert sum(case.is_held_out for case in CASES) * 3 >= len(CASES)
    marked = [mark.label for case in CASES for mark in case.marks]
    assert all(marked.count(label) >= 40 for label in Label)
    assert len({case.kind for case in CASES}) == 5


def test_no_case_stands_twice() -> None:
    """A case counts once."""
    seen = [(case.kind, case.value, case.host.users) for case in CASES]
    assert [case for case in seen if seen.count(case) > 1] == []
