"""Every rule against the cases beside it (``NAME.test.toml``; rules/README.md has the format)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sampler.runtime.places import shipped

RULES = shipped("rules")
SAMPLES = shipped("samples_fixture")


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One object that a rule must match or must not match."""

    rule: str
    sample: str | None = None
    text: str | None = None
    hex: str | None = None
    strings: list[str] = []
    offsets: list[int] = []

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.sample, self.text, self.hex)) != 1:
            raise ValueError("exactly one of sample, text and hex is given")

    def data(self) -> bytes:
        """The object's bytes."""
        if self.sample is not None:
            return (SAMPLES / self.sample).read_bytes()
        return bytes.fromhex(self.hex) if self.hex is not None else (self.text or "").encode()


class Cases(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole test file."""

    must_match: list[Case]
    must_not_match: list[Case]

    def __post_init__(self) -> None:
        if any(case.strings or case.offsets for case in self.must_not_match):
            raise ValueError("strings and offsets belong to must_match")


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of one file."""

    file: Path
    case: Case
    wanted: bool


def cases_of(rule_file: Path) -> Cases:
    return msgspec.convert(tomllib.loads(rule_file.with_suffix(".test.toml").read_text("utf-8")), Cases)


def trials() -> list[Any]:
    found = []
    for file in sorted(RULES.rglob("*.yar")):
        cases = cases_of(file)
        for wanted, listed in ((True, cases.must_match), (False, cases.must_not_match)):
            found += [
                pytest.param(Trial(file, case, wanted), id=f"{case.rule}-{'matches' if wanted else 'passes'}-{number}")
                for number, case in enumerate(listed)
            ]
    return found


@pytest.mark.parametrize("trial", trials())
def test_a_case_holds(trial: Trial, compiled: dict[Path, Any], externals: dict[str, str]) -> None:
    """The rule matches what it must, with the strings at the places that are named, and nothing that it must not."""
    case = trial.case
    matches = compiled[trial.file].match(data=case.data(), externals=externals)
    match = next((match for match in matches if match.rule == case.rule), None)
    assert (match is not None) == trial.wanted
    if match is not None:
        hits = {string.identifier: {hit.offset for hit in string.instances} for string in match.strings}
        assert set(case.strings) <= hits.keys()
        places = set().union(*(hits[name] for name in case.strings or hits))
        assert set(case.offsets) <= places


@pytest.mark.parametrize("file", sorted(RULES.rglob("*.yar")), ids=lambda file: str(file.relative_to(RULES)))
def test_each_rule_has_cases_of_both_sorts(file: Path, compiled: dict[Path, Any]) -> None:
    """A test file stands beside each rule file; it names all of its rules, and only those, in both sorts of cases."""
    names = {rule.identifier for rule in compiled[file]}
    cases = cases_of(file)
    assert {case.rule for case in cases.must_match} == names
    assert {case.rule for case in cases.must_not_match} == names


def test_no_test_file_stands_alone() -> None:
    """Each test file has the rule file that it is for."""
    files = sorted(RULES.rglob("*.test.toml"))
    assert files
    assert [file for file in files if not file.with_name(file.name.removesuffix(".test.toml") + ".yar").is_file()] == []


@pytest.mark.parametrize(
    "text",
    [
        '[[must_match]]\nrule = "A"\ntext = ""\nhex = ""\n[[must_not_match]]\nrule = "A"\ntext = ""',
        '[[must_match]]\nrule = "A"\n[[must_not_match]]\nrule = "A"\ntext = ""',
        '[[must_match]]\nrule = "A"\ntext = ""\n[[must_not_match]]\nrule = "A"\ntext = ""\noffsets = [0]',
        '[[must_match]]\nrule = "A"\ntext = ""\nsize = 1\n[[must_not_match]]\nrule = "A"\ntext = ""',
        '[[must_match]]\nrule = "A"\ntext = ""',
    ],
    ids=["two-contents", "no-content", "offsets-of-no-match", "unknown-key", "one-sort"],
)
def test_a_wrong_test_file_is_refused(text: str) -> None:
    """Two contents or none, places in what must not match, unknown keys and a missing sort are errors."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(tomllib.loads(text), Cases)
