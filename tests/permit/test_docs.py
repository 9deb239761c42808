from __future__ import annotations

from pathlib import Path

import pytest

from sampler.model import Scope
from sampler.permit import Rule, Treatment, shipped_statement

PAGE = Path(__file__).parents[2] / "docs" / "statements.md"


@pytest.mark.parametrize("scope", Scope)
def test_the_page_says_which_statement_has_a_scope(scope: Scope) -> None:
    """The table of scopes is that of the statements; when it is not, correct docs/statements.md."""
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{scope}` |")]
    _, _, basic, extended, *_ = (cell.strip() for cell in row.split("|"))
    assert (basic == "yes", extended == "yes") == (
        scope in shipped_statement("basic").scopes,
        scope in shipped_statement("extended").scopes,
    )


@pytest.mark.parametrize("word", [*Treatment, *Rule])
def test_the_page_names_every_treatment_and_rule(word: str) -> None:
    """What a person can meet in an answer of Sampler is explained; when it is not, add it to docs/statements.md."""
    text = PAGE.read_text()
    assert f"`{word}`" in text or f"`{word}:" in text
