"""What is wrong with one rule costs that rule and what refers to it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sampler.errors import RulesError
from sampler.limits import RULES_LEFT_OUT_OF_FILE_MAX_COUNT
from sampler.scan.compiling import Usable, usable
from sampler.scan.engine import CompiledRules, ExternalValue
from sampler.scan.engines import ENGINE_NAMES, engine_of
from sampler.scan.engines.yara import YaraEngine
from sampler.scan.including import Expanded
from sampler.scan.rule_files import RuleFileError, RuleProblem


@pytest.mark.parametrize("name", ENGINE_NAMES)
@pytest.mark.parametrize(
    ("text", "left", "lines"),
    [
        ("rule a { condition: true } rule b { condition: x } rule c { condition: true }", ("a", "c"), [1]),
        ("rule a { condition: true\n} rule b {\n condition: x } rule c { condition: b }", ("a",), [3, 3]),
        ('import "pe" import "none" rule a { condition: pe.is_pe }', ("a",), [1]),
        ('rule a { strings: $a = "x" condition: true } rule b { condition: true }', ("b",), [1]),
        ("rule a { condition: true } rule a { condition: false }", ("a",), [1]),
        (
            "rule a { condition: x }\nrule b { condition: a }\nrule c { condition: b }\nrule d { condition: true }",
            ("d",),
            [1, 2, 3],
        ),
        ("\n\n// nothing\n", (), []),
    ],
)
def test_one_bad_rule(name: str, text: str, left: tuple[str, ...], lines: list[int]) -> None:
    """Only what is bad goes, also where several rules share a line; the line is that of the fault."""
    outcome = usable(engine_of(name), {}, "n", Expanded(text, ()))
    assert isinstance(outcome, Usable)
    assert outcome.names == left
    assert [problem.line for problem in outcome.problems] == lines
    assert outcome.text.count("\n") == text.count("\n")


def test_many_bad_rules() -> None:
    """As many bad rules as the ceiling are left out one by one; with one more, the file is."""
    text = "rule good { condition: true }\n" + "".join(
        f"rule r{number} {{ condition: x }}\n" for number in range(RULES_LEFT_OUT_OF_FILE_MAX_COUNT)
    )
    outcome = usable(engine_of("yara"), {}, "n", Expanded(text, ()))
    assert isinstance(outcome, Usable)
    assert outcome.names == ("good",)
    assert len(outcome.problems) == RULES_LEFT_OUT_OF_FILE_MAX_COUNT
    more = usable(engine_of("yara"), {}, "n", Expanded(text + "rule more { condition: x }", ()))
    assert isinstance(more, RuleProblem)


class Failing(YaraEngine):
    """An engine that fails in a way of its own."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        RuleFileError("odd"),
        RuleFileError("odd", -1),
        RuleFileError("odd", 3),
        RuleFileError("odd", 1 << 40),
        RulesError("odd"),
    ],
)
def test_faults_at_odd_places(error: Exception) -> None:
    """A fault on a line that holds no rule, or on none, costs its file and nothing else."""
    outcome = usable(Failing(error), {}, "n", Expanded("rule a { condition: true }\n\n\n", ()))
    assert isinstance(outcome, RuleProblem)
    assert outcome.message == "odd"
