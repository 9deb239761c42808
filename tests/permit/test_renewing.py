from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit import (
    Consent,
    Region,
    Statement,
    Treatment,
    carried,
    check_successor,
    parse_statement,
    shipped_statement,
    widenings,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OLD = """
id = "own"
version = 2
title = "Ours"
region = "eu"
recipients = ["us"]
retention_days = 30
separate = ["memory"]

[statistics]
threshold = 20

[scopes]
reputation = "hashes"
metadata = "names"
memory = "portions"
statistics = "counters"

[fields.reputation]
"file.hash.*" = "keep"
"file.hash.md5" = "drop"

[fields.metadata]
"file.path" = "template"
"user.name" = "class"
"file.pe.*" = "keep"
"file.pe.pdb" = "redact"

[fields.memory]
"sampler.memory.regions" = "redact"
"""
ALL = frozenset({Scope.REPUTATION, Scope.METADATA, Scope.MEMORY, Scope.STATISTICS})
NEXT = OLD.replace("version = 2", "version = 3")


def statement(text: str) -> Statement:
    return parse_statement(text.encode(), b"")


def changed(before: str, after: str, *, of: str = NEXT) -> Statement:
    text = of.replace(before, after)
    assert text != of
    return statement(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('metadata = "names"', 'metadata = "names, for sale"'), "scope metadata is for something else: names, for"),
        (('separate = ["memory"]', "separate = []"), "scope memory does not have to be named"),
        (
            ('"file.hash.md5" = "drop"', '"file.hash.md5" = "keep"'),
            "field file.hash.md5 leaves under reputation as keep",
        ),
        (('"file.hash.md5" = "drop"\n', ""), "field file.hash.md5 leaves under reputation as keep"),
        (('"file.path" = "template"', '"file.path" = "keep"'), "file.path leaves as keep instead of template"),
        (('"file.path" = "template"', '"file.path" = "redact"'), "file.path leaves as redact instead of template"),
        (('"user.name" = "class"', '"user.name" = "pseudonym"'), "user.name leaves as pseudonym"),
        (('"file.path" = "template"', '"file.*" = "template"\n"file.path" = "template"'), "field file.* leaves"),
        (('"file.pe.pdb" = "redact"\n', ""), "field file.pe.pdb leaves as keep instead of redact"),
        (('"user.name" = "class"', '"user.name" = "class"\n"user.email" = "redact"'), "field user.email leaves"),
        (("retention_days = 30", "retention_days = 31"), "originals are kept 31 days instead of 30"),
        (('recipients = ["us"]', 'recipients = ["us", "them"]'), "it goes to one more: them"),
        (("threshold = 20", "threshold = 19"), "numbers about 19 machines are shown"),
    ],
)
def test_what_widens_is_named(change: tuple[str, str], said: str) -> None:
    """Each way in which more could leave, or be done with it, is one line for the owner, and stops carrying over."""
    old, new = statement(OLD), changed(*change)
    (line,) = widenings(old, new, ALL)
    assert said in line
    assert carried(Consent(old.ref, ALL, "ann", NOW), old, new, NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        ('"file.hash.*" = "keep"', '"file.hash.*" = "drop"'),
        ('"file.path" = "template"', '"file.path" = "drop"'),
        ('"user.name" = "class"\n', ""),
        ('"file.pe.*" = "keep"', '"file.pe.company" = "keep"'),
        ('"file.pe.*" = "keep"', '"file.pe.*" = "pseudonym"'),
        ("retention_days = 30", "retention_days = 7"),
        ("threshold = 20", "threshold = 200"),
        ('separate = ["memory"]', 'separate = ["memory", "metadata"]'),
        ('title = "Ours"', 'title = "Ours, still"'),
        ('memory = "portions"', 'memory = "portions"\nboot = "sectors"'),
    ],
)
def test_what_only_narrows_carries_the_consent_over(change: tuple[str, str]) -> None:
    """The consent stands under the newer statement, as the same person gave it at the same time."""
    old, new = statement(OLD), changed(*change)
    given_consent = Consent(old.ref, ALL, "ann", NOW, NOW + timedelta(days=9), frozenset({Scope.BOOT}), "ben", NOW)
    assert widenings(old, new, ALL) == ()
    assert carried(given_consent, old, new, NOW + timedelta(days=1)) == replace(given_consent, statement=new.ref)


def test_what_the_owner_refused_widens_nothing() -> None:
    """Only the accepted scopes are looked at: what becomes of the others is nobody's business here."""
    new = changed('"file.path" = "template"', '"file.path" = "keep"')
    assert widenings(statement(OLD), new, ALL - {Scope.METADATA}) == ()
    assert widenings(statement(OLD), changed("threshold = 20", "threshold = 2"), ALL - {Scope.STATISTICS}) == ()


def test_a_field_that_moves_to_an_accepted_scope_widens() -> None:
    """What stood under a refused scope and stands under an accepted one now would leave where it did not."""
    rest = NEXT.partition("[fields.memory]")[0]
    moved = changed('"file.path" = "template"', '"sampler.memory.regions" = "redact"', of=rest)
    assert widenings(statement(OLD), moved, ALL) == ()
    (line,) = widenings(statement(OLD), moved, ALL - {Scope.MEMORY})
    assert "sampler.memory.regions leaves under metadata" in line


def test_a_scope_that_the_newer_lacks_falls_away() -> None:
    """The consent goes on for what is left, and not at all where nothing is."""
    old = statement(OLD)
    apart = NEXT.replace('separate = ["memory"]', "").partition("[fields.memory]")[0]
    without = changed('memory = "portions"\n', "", of=apart)
    kept = carried(Consent(old.ref, ALL, "ann", NOW), old, without, NOW)
    assert kept is not None
    assert kept.scopes == ALL - {Scope.MEMORY}
    assert carried(Consent(old.ref, frozenset({Scope.MEMORY}), "ann", NOW), old, without, NOW) is None


def test_a_scope_that_is_asked_for_anew_is_named() -> None:
    """Somebody who compares whole statements sees the scopes that one of them has more."""
    basic, extended = shipped_statement("basic"), shipped_statement("extended")
    lines = widenings(basic, extended, extended.scopes)
    assert any(line.startswith("one more scope, memory: Portions") for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("version = 2", "version = 1"), "own version 1 is older than the accepted one; own version 2 stays"),
        (('title = "Ours"', 'title = "Other"'), "calls itself own version 2 as the accepted one does, and is another"),
        (("version = 2", "version = 3\nexpires = 2026-11-24"), "until 2026-11-24 only; own version 2 stays"),
    ],
)
def test_what_cannot_succeed_is_refused_by_name(change: tuple[str, str], said: str) -> None:
    """An older statement, another of the same version and one past its day are refused, and the accepted one stays."""
    old, new = statement(OLD), changed(*change, of=OLD)
    given_consent = Consent(old.ref, ALL, "ann", NOW)
    with pytest.raises(ConsentError, match=said):
        carried(given_consent, old, new, NOW)
    with pytest.raises(ConsentError, match=said):
        check_successor(given_consent, old, new, NOW)


def test_another_statement_succeeds_whatever_its_version() -> None:
    """Versions count within one statement and region; the first acceptance of all has nothing to be held against."""
    old = statement(OLD)
    given_consent = Consent(old.ref, ALL, "ann", NOW)
    check_successor(given_consent, old, changed('id = "own"', 'id = "other"', of=OLD.replace("= 2\n", "= 1\n")), NOW)
    check_successor(given_consent, old, changed('region = "eu"', 'region = "world"', of=OLD), NOW)
    check_successor(None, shipped_statement("basic"), statement(OLD.replace("version = 2", "version = 1")), NOW)


def test_the_region_makes_two_statements() -> None:
    """From the form of the union to that of the world more is kept and shown."""
    union, world = shipped_statement("extended", Region.EU), shipped_statement("extended")
    assert any("365 days" in line for line in widenings(union, world, union.scopes))
    assert widenings(world, union, world.scopes) == ()


NAMES = ("a", "a.b", "a.c", "a.b.c", "a.b.d", "a.z", "a.b.z", "b", "b.z")
_lines = st.dictionaries(
    st.sampled_from([*NAMES, "a.*", "a.b.*", "b.*"]), st.tuples(st.sampled_from(Treatment), st.booleans()), max_size=6
)


def _made(lines: dict[str, tuple[Treatment, bool]]) -> Statement:
    def table(first: bool) -> str:
        return "".join(f'"{name}" = "{how}"\n' for name, (how, under) in lines.items() if under is first)

    return statement(
        f"{OLD.partition('[fields.')[0]}[fields.reputation]\n{table(True)}[fields.metadata]\n{table(False)}"
    )


@given(_lines, _lines, st.sampled_from([ALL, ALL - {Scope.METADATA}]))
def test_no_field_leaves_more_where_nothing_is_named(
    before: dict[str, tuple[Treatment, bool]], after: dict[str, tuple[Treatment, bool]], scopes: frozenset[Scope]
) -> None:
    """Without a word about widening, every name there can be is dropped, treated as before, or by what says less."""

    def of(made: Statement, name: str) -> Treatment:
        rule = made.rule_for(name)
        return rule.treatment if rule is not None and rule.scope in scopes else Treatment.DROP

    old, new = _made(before), _made(after)
    pairs = {(of(old, name), of(new, name)) for name in NAMES}
    weaker = {pair for pair in pairs if pair[0] != pair[1] and pair[1] != Treatment.DROP}
    fine = {(had, Treatment.CLASS) for had in Treatment if had is not Treatment.DROP}
    fine |= {(Treatment.KEEP, has) for has in Treatment}
    assert widenings(old, new, scopes) or weaker <= fine
