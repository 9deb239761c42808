"""Rule folders that tests write themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.scan import RuleSet, RuleSettings


@pytest.fixture
def rule_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write rule files, given as name and source, into a folder."""

    def write(sources: dict[str, str | bytes], folder: str = "rules") -> Path:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(source.encode() if isinstance(source, str) else source)
        return place

    return write


@pytest.fixture
def load(rule_folder: Callable[..., Path]) -> Callable[..., RuleSet]:
    """A rule set of files given as name and source; all of them compile."""

    def make(**sources: str) -> RuleSet:
        rules = RuleSet.load(RuleSettings((rule_folder({f"{name}.yar": source for name, source in sources.items()}),)))
        assert not rules.problems
        return rules

    return make
