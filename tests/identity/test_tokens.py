"""Bearer tokens and their digests."""

from __future__ import annotations

import hashlib
import re

import pytest

from sampler.errors import IdentityError
from sampler.identity import make_token, role_of, token_digest
from sampler.wire.routes import Role


@pytest.mark.parametrize("role", list(Role))
def test_token_says_its_role_and_nothing_else(role: Role) -> None:
    """A token has the shape that the contract names and gives its role back."""
    token = make_token(role)
    assert re.fullmatch(rf"smp_{role}_[A-Za-z0-9_-]{{43}}", token)
    assert role_of(token) is role


def test_tokens_differ() -> None:
    """No two tokens are the same, and neither are their digests."""
    tokens = {make_token(Role.WORKER) for _ in range(100)}
    assert len(tokens) == 100
    assert len({token_digest(token) for token in tokens}) == 100


def test_what_is_stored_is_never_the_token() -> None:
    """The digest is the SHA-256 of the text, in hexadecimal, and holds no piece of the token."""
    token = make_token(Role.ADMIN)
    digest = token_digest(token)
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    assert digest != token
    assert token.rpartition("_")[2] not in digest


def test_any_text_has_a_digest() -> None:
    """A header's text that is not valid Unicode is looked up, and not found, like any other."""
    assert re.fullmatch("[0-9a-f]{64}", token_digest("smp_\udcff"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smp_",
        "smp_root_" + "a" * 43,
        "smp_worker_" + "a" * 42,
        "smp_worker_" + "a" * 43 + "\n",
        "smp_worker_" + "é" * 43,
    ],
)
def test_what_is_no_token_is_told_without_repeating_it(text: str) -> None:
    """A wrong text is refused, and the message, which may be logged, does not hold it."""
    with pytest.raises(IdentityError) as refused:
        role_of(text)
    assert "not a token" in str(refused.value)
    assert len(text) < 20 or text not in str(refused.value)
