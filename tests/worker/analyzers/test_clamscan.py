from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampler.errors import SettingsError
from sampler.model import Conclusion
from sampler.worker import AnalyzerFailure, AnalyzerVerdict, ProcessLimits, clamscan


@pytest.fixture
def stand_in(program: Any) -> Path:
    """Prints and ends as clamscan 1.4 does."""
    body = r"""
    status=0
    for word; do case $word in
        --no-summary|--stdout|--database=/*) ;;
        --*) exit 2 ;;
        *) if grep -q bad "$word"; then echo "$word: Test.Bad-1.UNOFFICIAL FOUND"; status=1
           elif grep -q odd "$word"; then echo "$word: PUA.Odd-2 FOUND"; status=1
           else echo "$word: OK"; fi ;;
    esac; done
    exit $status"""
    made: Path = program(body, "clamscan")
    return made


async def _analyze(stand_in: Path, task: Any, folder: Path, *contents: bytes) -> AnalyzerVerdict | AnalyzerFailure:
    asked = task(whole=contents[0], parts=list(contents[1:]))
    files = {content.sha256: folder / content.sha256 for content in asked.contents}
    for content, data in zip(asked.contents, (*contents[1:], contents[0]), strict=True):
        files[content.sha256].write_bytes(data)
    analyzer = clamscan(ProcessLimits(), database=folder, program=str(stand_in))
    return await analyzer.analyze(asked, folder, files)


async def test_a_find_is_malicious(stand_in: Path, task: Any, folder: Path) -> None:
    """All contents are scanned; a signature's name is the family, and what is merely unwanted counts less."""
    verdict = await _analyze(stand_in, task, folder, b"fine", b"odd", b"bad")
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.family) == (Conclusion.MALICIOUS, "Test.Bad-1.UNOFFICIAL")
    assert verdict.note is not None
    assert {"Test.Bad-1.UNOFFICIAL", "PUA.Odd-2"} == set(verdict.note.removeprefix("clamscan found ").split(", "))


async def test_what_is_unwanted_is_suspicious(stand_in: Path, task: Any, folder: Path) -> None:
    """A potentially unwanted application is no malware."""
    verdict = await _analyze(stand_in, task, folder, b"odd")
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.family) == (Conclusion.SUSPICIOUS, "PUA.Odd-2")


async def test_nothing_found_is_not_benign(stand_in: Path, task: Any, folder: Path) -> None:
    """No signature matched: that says nothing good about the object."""
    verdict = await _analyze(stand_in, task, folder, b"fine")
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.score) == (Conclusion.UNKNOWN, 0)


@pytest.mark.parametrize("body", ["echo no database >&2; exit 2", "exit 1", "kill -9 $$"])
async def test_an_error_is_a_failure(program: Any, task: Any, folder: Path, body: str) -> None:
    """Without its database, with a find that it does not name, or killed: the task is tried again."""
    outcome = await _analyze(program(body, "clamscan"), task, folder, b"fine")
    assert isinstance(outcome, AnalyzerFailure)
    assert outcome.retry


def test_without_the_program_there_is_no_analyzer(tmp_path: Path) -> None:
    """That is said at the start, not for each task."""
    with pytest.raises(SettingsError, match="no such program"):
        clamscan(ProcessLimits(), program=str(tmp_path / "clamscan"))
