"""The engines, each on its own and all together, and what tests ask of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import pytest

from sampler.scan.engine import Buffer, CompiledRules, Engine, ExternalValue, ScanLimits, ScanResult
from sampler.scan.engines import ENGINE_NAMES, engine_of

Externals: TypeAlias = Mapping[str, ExternalValue]
_NONE: Externals = MappingProxyType({})


@pytest.fixture(params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    return engine_of(request.param)


@pytest.fixture
def compiled(engine: Engine) -> Callable[..., CompiledRules]:
    """Compile one source in the namespace ``n``, or several by namespace."""

    def compile_(source: str | Mapping[str, str], externals: Externals = _NONE) -> CompiledRules:
        return engine.compile({"n": source} if isinstance(source, str) else source, externals)

    return compile_


@pytest.fixture
def scan(compiled: Callable[..., CompiledRules]) -> Callable[..., ScanResult]:
    """Compile and scan at once, with default limits."""

    def scan_(source: str | Mapping[str, str], data: Buffer, externals: Externals = _NONE) -> ScanResult:
        return compiled(source, externals).scan(data, externals, ScanLimits())

    return scan_


@pytest.fixture
def elsewhere() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source in a process of its own, which may die."""

    def run(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", source, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run
