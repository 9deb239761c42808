"""What is on every machine that runs Sampler, and what no rule may match."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
MEANT = {"PE_Python_Script_Launcher", "Known_Distlib_Launcher"}
"""Rules about the launchers that packages bring along."""


def matches(rules: Any, externals: dict[str, str], files: list[Path]) -> dict[str, list[str]]:
    found = {str(file): [match.rule for match in rules.match(str(file), externals=externals)] for file in files}
    return {file: names for file, names in found.items() if names}


def test_the_interpreter_is_matched_by_no_rule(one_set: Any, externals: dict[str, str]) -> None:
    """The program that runs this test is benign."""
    assert matches(one_set, externals, [Path(sys.executable).resolve()]) == {}


def test_the_standard_library_is_matched_by_no_rule(one_set: Any, externals: dict[str, str]) -> None:
    """Its modules decode, execute, download and start programs, and are benign."""
    files = sorted(STANDARD_LIBRARY.glob("*.py")) + sorted(STANDARD_LIBRARY.glob("lib-dynload/*.so"))
    assert len(files) > 100
    assert matches(one_set, externals, files) == {}


def test_launchers_are_matched_by_the_rules_about_launchers_only(one_set: Any, externals: dict[str, str]) -> None:
    """The Windows programs among the installed packages have no other match."""
    files = sorted(SITE_PACKAGES.rglob("*.exe"))
    found = {name for names in matches(one_set, externals, files).values() for name in names}
    assert found <= MEANT


def test_the_rules_match_none_of_their_own_files(one_set: Any, externals: dict[str, str], rules_folder: Path) -> None:
    """A rule file that a rule matches would be sent by every agent that scans its own installation."""
    assert matches(one_set, externals, sorted(rules_folder.rglob("*.yar"))) == {}
