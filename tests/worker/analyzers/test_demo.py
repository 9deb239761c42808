"""Verdicts from the severity of rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.worker import DemoAnalyzer
from sampler.worker.analyzers.demo import judge


def _match(name: str, severity: object | None = None) -> dict[str, Any]:
    return {"rule.name": name} | ({} if severity is None else {"sampler.rule.severity": severity})


@pytest.mark.parametrize(
    ("severity", "conclusion", "least", "most"),
    [
        ("critical", Conclusion.MALICIOUS, 90, 100),
        ("high", Conclusion.MALICIOUS, 80, 90),
        ("medium", Conclusion.SUSPICIOUS, 50, 70),
        ("low", Conclusion.UNKNOWN, 20, 30),
        ("info", Conclusion.BENIGN, 0, 10),
        ("HIGH", Conclusion.MALICIOUS, 80, 90),
        ("dreadful", Conclusion.UNKNOWN, 20, 30),
        (7, Conclusion.UNKNOWN, 20, 30),
        (None, Conclusion.UNKNOWN, 20, 30),
    ],
)
def test_severity_decides(severity: object, conclusion: Conclusion, least: int, most: int) -> None:
    """Each severity stands for one conclusion and a score in its range; an unknown one counts as low."""
    verdict = judge([_match("a_rule", severity)], [])
    assert verdict.conclusion is conclusion
    assert least <= verdict.score <= most
    assert "a_rule" in (verdict.note or "")


def test_the_worst_rule_decides_and_is_named() -> None:
    """Of several rules the most severe ones decide, and the note names those and no others."""
    verdict = judge([_match("b", "medium"), _match("z", "high"), _match("a", "high"), _match("c", "info")], [])
    assert verdict.conclusion is Conclusion.MALICIOUS
    assert verdict.note == "severity high from a, z"


def test_nothing_matched_is_benign() -> None:
    """Without a matching rule the object is benign, and what the host's scanner called it is said."""
    assert judge([], []).conclusion is Conclusion.BENIGN
    verdict = judge([], ["Win.Trojan.X"])
    assert verdict.conclusion is Conclusion.BENIGN
    assert verdict.note == "no rule matched what the host calls Win.Trojan.X"


@pytest.mark.parametrize(
    ("rules", "detections"),
    [(["eicar_test_file"], []), (["other", "EICAR_Test"], []), ([], ["Eicar-Test-Signature"])],
)
def test_the_antivirus_test_file_is_recognized(rules: list[str], detections: list[str]) -> None:
    """A rule or a detection with the test file's name makes it malicious with its family, whatever its severity."""
    verdict = judge([_match(rule, "info") for rule in rules], detections)
    assert (verdict.conclusion, verdict.score, verdict.family) == (Conclusion.MALICIOUS, 100, "EICAR-Test-File")


def test_the_note_fits_a_verdict() -> None:
    """A thousand matching rules do not make a note that the queue would refuse."""
    verdict = judge([_match("r" * 100 + str(number), "high") for number in range(1000)], [])
    assert len(verdict.note or "") == TEXT_MAX_CHARACTERS


@pytest.mark.parametrize("detections", ["Eicar", ["x", "Eicar"]])
async def test_only_the_tasks_own_words_are_read(task: Any, folder: Path, detections: object) -> None:
    """The analyzer opens no file: it needs none to be there."""
    view = task(fields={"sampler.detections": detections})
    verdict = await DemoAnalyzer().analyze(view, folder / "absent", {})
    assert verdict.family == "EICAR-Test-File"
