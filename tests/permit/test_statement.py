from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sampler.model import Scope
from sampler.permit import Region, parse_statement, shipped_statement

OWN = b"""
id = "own"
version = 2
title = "Ours"
region = "world"
recipients = ["us"]
retention_days = 30
expires = 2027-06-01

[scopes]
reputation = "hashes"

[fields.reputation]
"file.hash.*" = "keep"
"file.hash.md5" = "drop"
"file.path" = "template"
"file.pe.*" = "keep"
"file.pe.deep.*" = "redact"
"""


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("file.path", "file.path"),
        ("file.hash.md5", "file.hash.md5"),
        ("file.hash.sha256", "file.hash.*"),
        ("file.pe.company", "file.pe.*"),
        ("file.pe.deep.one", "file.pe.deep.*"),
        ("file.pe", None),
        ("file.hash", None),
        ("file.pehash", None),
        ("file", None),
        ("unlisted", None),
        ("file.pe.Company", None),
        ("file.pe.µ", None),
        ("file.pe." + "x" * 200, None),
        ("file.pe.*", None),
    ],
)
def test_the_closest_line_decides(name: str, pattern: str | None) -> None:
    """A field's own line wins over prefixes, the longest prefix over shorter ones; what no line names is not listed."""
    rule = parse_statement(OWN, b"").rule_for(name)
    assert (rule.pattern if rule else None) == pattern


def test_scopes_that_stand_apart_are_not_accepted_with_the_rest() -> None:
    """What accepting a statement as such accepts is all of it but what is to be named."""
    statement = shipped_statement("extended", Region.EU)
    assert statement.joint == frozenset(Scope) - {Scope.DOCUMENTS, Scope.ACTIVITY, Scope.MEMORY}


@pytest.mark.parametrize(("day", "past"), [((2027, 5, 31), False), ((2027, 6, 1), True), ((2028, 1, 1), True)])
def test_a_statement_can_be_accepted_until_its_day(day: tuple[int, int, int], past: bool) -> None:
    """From the first moment of the day that it names, in UTC, it cannot be accepted any more."""
    assert parse_statement(OWN, b"").is_past(datetime(*day, 0, 0, 0, tzinfo=UTC)) is past
    assert not shipped_statement("basic").is_past(datetime(*day, tzinfo=UTC))


def test_a_statement_is_named_by_id_and_version() -> None:
    """What people read in messages is the two of them."""
    assert str(parse_statement(OWN, b"")) == "own version 2"
