"""Errors of the libraries that no rule or object brings about on request."""

from __future__ import annotations

import mmap
from typing import Any

import boreal
import pytest
import yara
import yara_x

from sampler.errors import RulesError, ScanError
from sampler.scan.engine import ScanLimits
from sampler.scan.engines import boreal as boreal_adapter
from sampler.scan.engines import yara as yara_adapter
from sampler.scan.engines import yara_x as yara_x_adapter
from sampler.scan.engines.externals import Externals
from sampler.scan.engines.keeping import as_bytes
from sampler.scan.rule_files import RuleFileError


class Broken:
    """Rules and scanner of a library at once: whatever is asked of them fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def match(self, **options: object) -> None:
        raise self._error

    def scan(self, data: bytes) -> None:
        raise self._error

    def fast_scan(self, yes: bool) -> None: ...
    def set_timeout(self, seconds: int) -> None: ...
    def max_matches_per_pattern(self, matches: int) -> None: ...
    def set_params(self, **options: object) -> None: ...


@pytest.mark.parametrize("error", [yara.Error("internal error: 30"), MemoryError()])
def test_yara_fails(error: Exception) -> None:
    """An error of libyara, and memory that does not suffice, are errors of the scan."""
    with pytest.raises(ScanError, match=r"internal error: 30|more hits in it than there is memory for"):
        yara_adapter.YaraRules(Broken(error), Externals({})).scan(b"", {}, ScanLimits())


def test_yara_x_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of yara-x is an error of the scan."""
    broken: Any = Broken(yara_x.ScanError("fault"))
    monkeypatch.setattr(yara_x, "Scanner", lambda rules: broken)
    with pytest.raises(ScanError, match="yara-x could not scan it: fault"):
        yara_x_adapter.YaraXRules(broken, Externals({})).scan(b"", {}, ScanLimits())


def test_boreal_fails() -> None:
    """An error of boreal is an error of the scan."""
    broken: Any = Broken(boreal.ScanError("fault"))
    with pytest.raises(ScanError, match="boreal could not scan it: fault"):
        boreal_adapter.BorealRules(broken, Externals({})).scan(b"", {}, ScanLimits())


@pytest.mark.parametrize(
    ("library", "engine", "error"),
    [(yara, yara_adapter.ENGINE, yara.Error), (boreal, boreal_adapter.ENGINE, boreal.Error)],
)
def test_rules_that_are_too_many(monkeypatch: pytest.MonkeyPatch, library: Any, engine: Any, error: Any) -> None:
    """What a library cannot take for another reason than a line is an error of the rules."""

    def refuse(**options: object) -> None:
        raise error("internal error: 46")

    monkeypatch.setattr(library, "compile", refuse)
    with pytest.raises(RulesError, match="cannot take these rules: internal error: 46"):
        engine.compile({"n": ""}, {})


def test_a_fault_without_a_line() -> None:
    """boreal does not say where types do not fit; the error then concerns the file as a whole."""
    with pytest.raises(RuleFileError, match="expressions have invalid types") as caught:
        boreal_adapter.ENGINE.compile({"n": 'rule a {\n condition: "x" + 1 }'}, {})
    assert caught.value.line == 0


def test_no_memory_for_a_copy() -> None:
    """An object that cannot be copied for an engine which takes bytes only is an error that names another engine."""

    class Huge(mmap.mmap):
        def __bytes__(self) -> bytes:
            raise MemoryError

    with Huge(-1, mmap.PAGESIZE) as data, pytest.raises(ScanError, match="use --engine yara"):
        as_bytes(data)
