"""The statements that ship with Sampler, in each region's form. They are trusted as the program's own code is."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

from sampler.errors import ConsentError
from sampler.permit.statement import Region, Statement
from sampler.permit.statement_file import parse_statement

_NAMES: Final = ("basic", "extended")


def shipped_names() -> tuple[str, ...]:
    """The statements that ship, the narrowest first; each is there in every region's form."""
    return _NAMES


def shipped_statement(name: str, region: Region = Region.WORLD) -> Statement:
    """One of ``shipped_names()`` in a region's form.

    Raises:
        ConsentError: there is none of that name.
    """
    if name not in _NAMES:
        raise ConsentError(f"no statement {name!r} ships with Sampler; there are {', '.join(_NAMES)}")
    return _read(name if region is Region.WORLD else f"{name}-{region}")


def shipped_statements() -> tuple[Statement, ...]:
    """All of them, in all forms."""
    return tuple(shipped_statement(name, region) for region in Region for name in _NAMES)


@cache
def _read(stem: str) -> Statement:
    folder = resources.files("sampler.permit") / "statements"
    return parse_statement((folder / f"{stem}.toml").read_bytes(), (folder / f"{stem}.md").read_bytes())
