"""The threat model names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "threat-model.md"


def named() -> list[tuple[Path, str]]:
    """Each file the page names, with each test it names of it; an empty name for the whole file."""
    found: list[tuple[Path, str]] = []
    file = Path()
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", PAGE.read_text()):
        file = ROOT / path if path else file
        if path or test:
            found.append((file, test))
    return found


def test_every_test_that_the_threat_model_names_exists() -> None:
    """A promise whose test was renamed or removed is noticed."""
    missing = [
        f"{file.relative_to(ROOT)}::{test}"
        for file, test in named()
        if not file.is_file() or (test and f"def {test}(" not in file.read_text())
    ]
    assert not missing


def test_every_invariant_has_tests() -> None:
    """Each of the ten promises names at least one test."""
    sections = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert len(sections) == 10
    assert all("`tests/" in section for section in sections)
