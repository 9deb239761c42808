from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sampler.cli.worker_analyzers import Chosen, analyzer_of, owner_of
from sampler.errors import SettingsError
from sampler.worker import ProcessLimits

NOTHING = Chosen(None, None, (), None, ProcessLimits())


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "analyze"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_what_is_named_analyzes(program: Path) -> None:
    """A command, a ready analyzer, or, where nothing is named, the one that needs no program."""
    assert analyzer_of(NOTHING).name == "demo"
    assert analyzer_of(replace(NOTHING, command=f"{program} {{sample}}")).name == "analyze"
    assert analyzer_of(replace(NOTHING, analyzer="rules", rules=(program,))).name == "rules"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"command": "/bin/true", "analyzer": "rules"}, "two analyzers"),
        ({"rules": (Path("x"),)}, "--rules belongs"),
        ({"analyzer": "rules", "database": Path("x")}, "--database belongs"),
        ({"analyzer": "capa", "rules": (Path("x"), Path("y"))}, "one folder"),
        ({"command": "/no/such/program"}, "no such program"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, object], reason: str) -> None:
    """Before the first lease, with what to do."""
    with pytest.raises(SettingsError, match=reason):
        analyzer_of(replace(NOTHING, **changes))  # type: ignore[arg-type]  # each is a field's own


def test_a_user_is_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown one is refused, and so is any for a worker that is not root."""
    with pytest.raises(SettingsError, match="no such user"):
        owner_of("no-such-user")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert owner_of("root").uid == 0
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SettingsError, match="only root"):
        owner_of("root")
