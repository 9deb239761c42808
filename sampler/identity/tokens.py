"""Bearer tokens for people, workers and enrolment. Only digests are stored; the text is shown once, when it is made."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from sampler.errors import IdentityError
from sampler.wire.routes import Role

_SECRET_BYTES: Final = 32
_SHAPE: Final = re.compile(rf"smp_(?P<role>{'|'.join(Role)})_[A-Za-z0-9_-]{{43}}", re.ASCII)


def make_token(role: Role) -> str:
    """A new token: ``smp_<role>_`` and 43 URL-safe characters that carry 256 random bits."""
    return f"smp_{role}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def token_digest(token: str) -> str:
    """What is stored and looked up in a token's place: its SHA-256, lower-case hexadecimal.

    A plain digest is enough because the token is random, not chosen by a person.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def role_of(token: str) -> Role:
    """The role that a token's own text claims; whether it is valid only the queue's ledger knows.

    Raises:
        IdentityError: it does not have a token's shape. The message never repeats the text.
    """
    shape = _SHAPE.fullmatch(token)
    if shape is None:
        raise IdentityError(
            "this is not a token: one looks like smp_worker_ and 43 more characters; "
            "make one with: sampler queue tokens create"
        )
    return Role(shape["role"])
