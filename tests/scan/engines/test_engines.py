"""Finding an engine by its name."""

from __future__ import annotations

import sys

import pytest

from sampler.errors import RulesError
from sampler.scan.engines import ENGINE_NAMES, engine_of


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_each_by_its_name(name: str) -> None:
    """An engine has the name that it is asked for by, and a version that begins with it."""
    engine = engine_of(name)
    assert engine.name == name
    assert engine.version.startswith(f"{name} ")
    assert engine.version.removeprefix(f"{name} ")[0].isdigit()


def test_an_engine_that_there_is_not() -> None:
    """Another name is an error that says which there are."""
    with pytest.raises(RulesError, match="there is no engine 'clamav'; there are yara, yara-x, boreal"):
        engine_of("clamav")


@pytest.mark.parametrize(("name", "library"), [("yara-x", "yara_x"), ("boreal", "boreal")])
def test_an_engine_that_is_not_installed(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library, the error says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"sampler.scan.engines.{library}", raising=False)
    with pytest.raises(RulesError, match=rf"pip install 'sampler\[{name}\]'"):
        engine_of(name)
