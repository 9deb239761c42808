from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampler.model import Conclusion
from sampler.worker import AnalyzerFailure, AnalyzerVerdict, ProcessLimits, rules_scan
from sampler.worker.analyzers.process import Run
from sampler.worker.analyzers.rules import read

RULE = 'rule Worker_Only {{ meta: severity = "{severity}" strings: $a = "marker" condition: $a }}'


async def test_another_rule_set_decides(task: Any, folder: Path, tmp_path: Path) -> None:
    """The worker's own rules are run over the contents by the real program, and the worst severity counts."""
    rules = tmp_path / "own.yar"
    rules.write_text(RULE.format(severity="high"))
    asked = task(whole=b"a marker")
    file = folder / asked.contents[0].sha256
    file.write_bytes(b"a marker")
    outcome = await rules_scan(ProcessLimits(), rules=[rules]).analyze(asked, folder, {file.name: file})
    assert outcome == AnalyzerVerdict(Conclusion.MALICIOUS, 85, note="severity high from Worker_Only")


def test_a_rule_without_severity_counts_as_any_other() -> None:
    """Metadata is the rules' own: without a severity it is that of an unnamed one, and no match is benign."""
    line = b'{"file":{"path":"x"},"rule":[{"name":"Plain","meta":[["author","a"]],"hits":[]}],"ruleset_version":"v"}\n'
    verdict = read(Run(1, line, b""))
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.note) == (Conclusion.UNKNOWN, "severity low from Plain")
    clean = read(Run(0, b'{"file":{"path":"x"},"ruleset_version":"v"}\n', b""))
    assert isinstance(clean, AnalyzerVerdict)
    assert clean.conclusion is Conclusion.BENIGN


@pytest.mark.parametrize("run", [Run(2, b"", b"no rules"), Run(0, b"nonsense\n", b""), Run(137, b"", b"")])
def test_an_error_is_a_failure(run: Run) -> None:
    """Rules that do not load, and an end by a signal, are told with the last words."""
    assert isinstance(read(run), AnalyzerFailure)
