"""The rules as YARA compiles them, each file on its own and without a warning, and as one set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yara

from sampler.runtime.places import shipped

EXTERNALS = dict.fromkeys(("filename", "filepath", "extension", "filetype", "owner"), "")


@pytest.fixture(scope="session")
def externals() -> dict[str, str]:
    return EXTERNALS


@pytest.fixture(scope="session")
def rules_folder() -> Path:
    return shipped("rules")


@pytest.fixture(scope="session")
def compiled(rules_folder: Path) -> dict[Path, Any]:
    files = sorted(rules_folder.rglob("*.yar"))
    return {file: yara.compile(str(file), externals=EXTERNALS, includes=False, error_on_warning=True) for file in files}


@pytest.fixture(scope="session")
def every_rule(compiled: dict[Path, Any]) -> dict[str, Any]:
    """Rule name → rule; a name that two files use keeps only one of them, which a test of its own looks at."""
    return {rule.identifier: rule for rules in compiled.values() for rule in rules}


@pytest.fixture(scope="session")
def one_set(rules_folder: Path) -> Any:
    files = {str(file.relative_to(rules_folder)): str(file) for file in sorted(rules_folder.rglob("*.yar"))}
    return yara.compile(filepaths=files, externals=EXTERNALS)
