"""The codes of problems: docs/formats.md lists those that readers give, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIVING = frozenset({"Fault", "Flaw", "NotUnpacked", "Stop", "add_problem", "_few", "_name_unopened"})
"""What readers name a problem with; the first text that they are given is its code."""
CODE = re.compile(r"[a-z]+(?:-[a-z]+)*")


def codes_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) in GIVING:
            texts = (each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))
            yield from (text for text in list(texts)[:1] if CODE.fullmatch(text))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@pytest.fixture
def documented() -> set[str]:
    page = (ROOT / "docs" / "formats.md").read_text().partition("## Problems")[2]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return set(re.findall(r"`([a-z-]+)`", " ".join(rows)))


def test_codes_are_documented(documented: set[str]) -> None:
    """Programs act on them."""
    given = {code for file in (ROOT / "sampler" / "extract").glob("*.py") for code in codes_in(file.read_text())}
    assert given - documented == set()
    assert documented - given == {"extract-failed", "more-problems"}, "given by the child, and where there is no room"
