"""Children that run rules and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.examine.messages import DeriveRequest, Examined, ExamineRequest, decode_answer, encode
from sampler.examine.rules_child import RulesExaminer
from sampler.model import Snapshot
from sampler.scan import RuleSet, RuleSettings, ScanLimits

PARSERS = ("sampler.extract", "pefile", "asn1crypto", "Cryptodome", "zstandard", "cryptography")


@pytest.fixture
def examiner(tmp_path: Path) -> RulesExaminer:
    (tmp_path / "a.yar").write_text('rule A { strings: $a = "abc" condition: $a }')
    return RulesExaminer(RuleSet.load(RuleSettings((tmp_path,))), ScanLimits())


def test_no_parser_is_imported() -> None:
    """Their memory and the time that importing them takes are spared."""
    code = f"import sys, sampler.examine.rules_child; print([name for name in {PARSERS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_snapshot_by_rules(examiner: RulesExaminer, snap: Callable[[bytes], Snapshot]) -> None:
    """What the rules say of it, under its hash."""
    snapshot = snap(b"xabcx")
    request = ExamineRequest(snapshot.sha256, snapshot.size, rules_only=True)
    answer = decode_answer(examiner.handle(encode(request), snapshot.descriptor))
    assert isinstance(answer, Examined)
    assert [match.rule for match in answer.examination.matches] == ["A"]
    assert answer.examination.sha256 == snapshot.sha256


@pytest.mark.parametrize("request_", [ExamineRequest("", 4), DeriveRequest(4, ("zip:0",), 0)])
def test_more_than_rules(
    examiner: RulesExaminer, snap: Callable[[bytes], Snapshot], request_: ExamineRequest | DeriveRequest
) -> None:
    """It does not know formats, and says so."""
    with pytest.raises(ValueError, match="rules and nothing else"):
        examiner.handle(encode(request_), snap(b"four").descriptor)
