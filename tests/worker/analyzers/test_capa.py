from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sampler.model import Conclusion
from sampler.worker import AnalyzerFailure, AnalyzerVerdict, ProcessLimits, capa


def _rule(name: str, namespace: str | None, **meta: Any) -> dict[str, Any]:
    return {"meta": {"name": name, "namespace": namespace, "lib": False, "authors": [], **meta}, "matches": []}


async def _analyze(program: Any, task: Any, folder: Path, *rules: dict[str, Any]) -> AnalyzerVerdict | AnalyzerFailure:
    printed = folder / "printed.json"
    printed.write_text(
        json.dumps({"meta": {"flavor": "static"}, "rules": {each["meta"]["name"]: each for each in rules}})
    )
    return await _run(program(f"cat '{printed}'", "capa"), task, folder)


async def _run(program: Path, task: Any, folder: Path) -> AnalyzerVerdict | AnalyzerFailure:
    asked = task()
    file = folder / asked.contents[0].sha256
    file.write_bytes(b"sample")
    analyzer = capa(ProcessLimits(), program=str(program))
    return await analyzer.analyze(asked, folder, {file.name: file})


async def test_telling_capabilities_are_suspicious(program: Any, task: Any, folder: Path) -> None:
    """What ordinary programs seldom do is named and counted; libraries' rules and ordinary ones are not."""
    verdict = await _analyze(
        program,
        task,
        folder,
        _rule("check for debugger", "anti-analysis/anti-debugging/debugger-detection"),
        _rule("persist via Run key", "persistence/registry/run"),
        _rule("read file", "host-interaction/file-system/read"),
        _rule("contain loop", None),
        _rule("allocate memory", "load-code/shellcode", lib=True),
    )
    assert verdict == AnalyzerVerdict(Conclusion.SUSPICIOUS, 20, note="able to check for debugger; persist via Run key")


async def test_a_known_family_is_malicious(program: Any, task: Any, folder: Path) -> None:
    """A rule that knows the family says so."""
    verdict = await _analyze(program, task, folder, _rule("match x", "malware-family/x", maec={"malware_family": "X"}))
    assert verdict == AnalyzerVerdict(Conclusion.MALICIOUS, 90, "X", "capa knows X")


async def test_ordinary_capabilities_say_nothing(program: Any, task: Any, folder: Path) -> None:
    """A program that reads files is neither good nor bad."""
    verdict = await _analyze(program, task, folder, _rule("read file", "host-interaction/file-system/read"))
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.score) == (Conclusion.UNKNOWN, 0)


@pytest.mark.parametrize("status", [16, 17, 18])
async def test_what_capa_does_not_know_is_unknown(program: Any, task: Any, folder: Path, status: int) -> None:
    """A text is no program: trying again would not help, so it is no failure."""
    verdict = await _run(program(f"exit {status}", "capa"), task, folder)
    assert isinstance(verdict, AnalyzerVerdict)
    assert verdict.conclusion is Conclusion.UNKNOWN


@pytest.mark.parametrize("body", ["exit 10", "echo '{'", "echo '{\"rules\": 3}'"])
async def test_anything_else_is_a_failure(program: Any, task: Any, folder: Path, body: str) -> None:
    """Without its rules, or printing something else: the task is tried again."""
    assert isinstance(await _run(program(body, "capa"), task, folder), AnalyzerFailure)
