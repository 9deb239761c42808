"""What a child does with one object, without the process around it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.errors import ScanTimeout
from sampler.examine import child
from sampler.examine.child import ObjectExaminer
from sampler.examine.messages import (
    Examined,
    ExamineRequest,
    Ready,
    Unusable,
    decode_answer,
    decode_preparation,
    encode,
    encode_order,
)
from sampler.examine.rules_child import RulesExaminer
from sampler.limits import MATCHES_MAX_COUNT
from sampler.model import ContentKind, Examination, Problem, Snapshot
from sampler.scan import RuleSet, RuleSettings, ScanLimits

Snap = Callable[..., Snapshot]
STAGES = {"describe": "classify", "extract": "find_regions"}


def handled(rules: RuleSet, snapshot: Snapshot) -> Examination:
    request = ExamineRequest(snapshot.sha256, snapshot.size, snapshot.path)
    answer = decode_answer(
        ObjectExaminer(RulesExaminer(rules, ScanLimits())).handle(encode(request), snapshot.descriptor)
    )
    assert isinstance(answer, Examined)
    return answer.examination


def codes(examination: Examination) -> list[tuple[str, str]]:
    return [(problem.stage, problem.code) for problem in examination.problems]


@pytest.fixture
def ruleset(rules: Path) -> RuleSet:
    return RuleSet.load(RuleSettings((rules,)))


def test_preparing(rules: Path) -> None:
    """Preparing loads the rules and reports them, bad ones by name."""
    (rules / "bad.yar").write_text("rule bad { condition: x }")
    preparation = decode_preparation(child.prepare(encode_order(RuleSettings((rules,)), ScanLimits())).report)
    assert isinstance(preparation, Ready)
    assert preparation.report.rule_count == 5
    assert preparation.report.problems == ('bad.yar:1: rule bad is left out: undefined identifier "x"',)


def test_preparing_without_rules(tmp_path: Path) -> None:
    """Without a usable rule the nursery says so, and so does every child."""
    prepared = child.prepare(encode_order(RuleSettings((tmp_path / "absent",)), ScanLimits()))
    preparation = decode_preparation(prepared.report)
    assert isinstance(preparation, Unusable)
    assert "there is no such rule folder" in preparation.message
    assert decode_answer(prepared.handle(b"", -1)) == preparation


def test_every_stage(ruleset: RuleSet, snap: Snap) -> None:
    """Type, matches, regions and fields of one object come together."""
    found = handled(ruleset, snap(b"hay needle hay", b"/tmp/x/sample.exe"))
    assert [match.rule for match in found.matches] == ["named", "needle"]
    assert found.matches[1].hits[0].offset == 4
    assert found.ruleset_version == ruleset.version
    assert found.regions
    assert {field.name for field in found.fields} >= {"file.mime_type", "sampler.file.entropy"}
    assert not found.problems


def test_an_empty_object(ruleset: RuleSet, snap: Snap) -> None:
    """An empty object, which cannot be mapped, is examined like any other."""
    found = handled(ruleset, snap(b""))
    assert found.kind is ContentKind.EMPTY
    assert [match.rule for match in found.matches] == ["nothing"]


def test_another_size(ruleset: RuleSet, snap: Snap) -> None:
    """An object of another size than announced is not examined."""
    request = encode(ExamineRequest("0" * 64, 3))
    with pytest.raises(ValueError, match="4 bytes, 3 were announced"):
        ObjectExaminer(RulesExaminer(ruleset, ScanLimits())).handle(request, snap(b"four").descriptor)


def test_the_descriptor_stays_open(ruleset: RuleSet, snap: Snap) -> None:
    """The descriptor is the caller's, and nothing else stays open."""
    snapshot = snap(b"MZ" + bytes(1000))
    handled(ruleset, snapshot)
    before = len(list(Path("/proc/self/fd").iterdir()))
    handled(ruleset, snapshot)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert os.fstat(snapshot.descriptor).st_size == snapshot.size


def test_rules_that_do_not_end(ruleset: RuleSet, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that do not end cost the matches; type and structure stand."""

    def never(*anything: object, **options: object) -> None:
        raise ScanTimeout("the rules did not come to an end within 30 s")

    monkeypatch.setattr(RuleSet, "run", never)
    found = handled(ruleset, snap(b"#!/bin/sh\n"))
    assert found.problems == (Problem("scan", "scan-timeout", "the rules did not come to an end within 30 s"),)
    assert found.kind is ContentKind.SCRIPT
    assert found.regions
    assert not found.matches


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails(
    ruleset: RuleSet,
    snap: Snap,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    stage: str,
) -> None:
    """A parser that raises costs its own stage: a problem with its type, its traceback in the log, the rest stands."""

    def broken(*anything: object) -> None:
        raise AttributeError("\udcff has no attribute")

    monkeypatch.setattr(child, STAGES[stage], broken)
    found = handled(ruleset, snap(b"needle"))
    assert found.problems == (Problem(stage, f"{stage}-failed", "AttributeError: \\udcff has no attribute"),)
    assert [match.rule for match in found.matches] == ["needle"]
    assert "Traceback" in capfd.readouterr().err


def test_a_digest_that_fails(ruleset: RuleSet, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library for similarity digests that raises costs these digests, and neither entropy nor type."""

    def broken(*anything: object) -> None:
        raise ValueError("no digest")

    monkeypatch.setattr(child, "similarity_fields", broken)
    found = handled(ruleset, snap(b"needle"))
    assert codes(found) == [("describe", "describe-failed")]
    assert {field.name for field in found.fields} >= {"file.mime_type", "sampler.file.entropy"}


def test_no_memory(ruleset: RuleSet, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child without memory gives up on the object instead of answering half of it."""

    def greedy(*anything: object) -> None:
        raise MemoryError

    monkeypatch.setattr(child, "find_regions", greedy)
    with pytest.raises(MemoryError):
        handled(ruleset, snap(b"needle"))


def test_what_was_left_out(tmp_path: Path, snap: Snap) -> None:
    """Matches beyond the ceiling, and strings that YARA stopped counting, are problems and not silence."""
    many = "".join(f"rule r{number} {{ condition: true }}\n" for number in range(MATCHES_MAX_COUNT))
    often = 'rule often { strings: $a = "a" condition: #a > 10 }'
    (tmp_path / "a.yar").write_text(often + many)
    found = handled(RuleSet.load(RuleSettings((tmp_path,))), snap(b"a" * 1_000_100))
    assert codes(found) == [("scan", "too-many-matches"), ("scan", "too-many-hits")]
    assert "often $a" in found.problems[1].detail
