"""An analyzer that opens no file: it concludes from the severity of the rules that matched on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.wire.messages import Fields, TaskView
from sampler.worker.analyzers.interface import AnalyzerVerdict

RULE_FIELD: Final = "rule.name"
SEVERITY_FIELD: Final = "sampler.rule.severity"
DETECTIONS_FIELD: Final = "sampler.detections"
EICAR_FAMILY: Final = "EICAR-Test-File"

_JUDGEMENTS: Final[Mapping[str, tuple[Conclusion, int]]] = {
    "critical": (Conclusion.MALICIOUS, 95),
    "high": (Conclusion.MALICIOUS, 85),
    "medium": (Conclusion.SUSPICIOUS, 60),
    "low": (Conclusion.UNKNOWN, 25),
    "info": (Conclusion.BENIGN, 5),
}
"""From worst to least."""
_UNNAMED: Final = "low"
"""What a rule without a known severity counts as."""


class DemoAnalyzer:
    """For trying Sampler out, and an example of an analyzer."""

    name = "demo"

    async def analyze(self, task: TaskView, folder: Path, files: Mapping[str, Path]) -> AnalyzerVerdict:
        """Conclude from the task's own words; the contents are not opened."""
        return judge(task.matches, _detections(task.fields))


def judge(matches: Sequence[Fields], detections: Sequence[str]) -> AnalyzerVerdict:
    """The verdict that the worst matching rule stands for.

    The antivirus test file is told by its name in a rule or detection; no other detection is taken on trust.
    """
    rules = [(str(match.get(RULE_FIELD, "unnamed rule")), _severity(match)) for match in matches]
    tests = [name for name in (*(rule for rule, _ in rules), *detections) if "eicar" in name.lower()]
    if tests:
        note = _note(f"the antivirus test file, harmless, by {', '.join(tests)}")
        return AnalyzerVerdict(Conclusion.MALICIOUS, 100, EICAR_FAMILY, note)
    if not rules:
        return AnalyzerVerdict(Conclusion.BENIGN, 0, note=_note(_without_rules(detections)))
    worst = next(severity for severity in _JUDGEMENTS if any(severity == own for _, own in rules))
    conclusion, score = _JUDGEMENTS[worst]
    decisive = sorted(rule for rule, severity in rules if severity == worst)
    return AnalyzerVerdict(conclusion, score, note=_note(f"severity {worst} from {', '.join(decisive)}"))


def _severity(match: Fields) -> str:
    severity = str(match.get(SEVERITY_FIELD, _UNNAMED)).lower()
    return severity if severity in _JUDGEMENTS else _UNNAMED


def _detections(fields: Fields) -> Sequence[str]:
    found = fields.get(DETECTIONS_FIELD, [])
    return [str(name) for name in (found if isinstance(found, list) else [found])]


def _without_rules(detections: Sequence[str]) -> str:
    return f"no rule matched what the host calls {', '.join(detections)}" if detections else "no rule matched"


def _note(text: str) -> str:
    return text if len(text) <= TEXT_MAX_CHARACTERS else text[: TEXT_MAX_CHARACTERS - 1] + "…"
