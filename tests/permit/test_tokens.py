from __future__ import annotations

import pytest

from sampler.permit.tokens import redact_tokens


@pytest.mark.parametrize(
    "token",
    [
        "glpat-" + "a" * 20,
        "hvs." + "a" * 24,
        "dop_v1_" + "0a" * 32,
        "shpat_" + "0a" * 16,
        "hf_" + "a" * 34,
        "AGE-SECRET-KEY-1" + "Q" * 58,
        "123456789:AA" + "b" * 33,
    ],
)
def test_tokens_are_told_by_their_form(token: str) -> None:
    """A token goes wherever it stands."""
    assert redact_tokens(f"x {token} y") == "x ~secret y"


@pytest.mark.parametrize("text", ["hvs.short", "12:30:45", "sk-learn", "npm_config", "eyJ", "123456789:80"])
def test_what_only_begins_like_one_stays(text: str) -> None:
    """A beginning alone is no token."""
    assert redact_tokens(text) == text
