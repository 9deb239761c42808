from __future__ import annotations

from pathlib import Path

import pytest

import sampler.permit
from sampler.errors import ConsentError
from sampler.limits import STATEMENT_MAX_BYTES
from sampler.model import Scope
from sampler.permit import Treatment, parse_statement, shipped_names, shipped_statement
from sampler.permit.statement import digest_of

SOUND = """
id = "own"
version = 2
title = "Ours"

[scopes]
reputation = "hashes"
metadata = "names"

[fields.reputation]
"file.hash.*" = "keep"
"file.hash.md5" = "drop"

[fields.metadata]
"file.path" = "template"
"file.pe.*" = "keep"
"file.pe.deep.*" = "redact"
"""


def test_a_sound_statement_is_read() -> None:
    """Identity, scopes, fields and text are as the files have them."""
    statement = parse_statement(SOUND.encode(), b"# Ours\n")
    assert (statement.id, statement.version, statement.title, statement.text) == ("own", 2, "Ours", "# Ours\n")
    assert statement.scopes == {Scope.REPUTATION, Scope.METADATA}
    assert statement.fields["file.path"] is Treatment.TEMPLATE


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
    rule = parse_statement(SOUND.encode(), b"").rule_for(name)
    assert (rule.pattern if rule else None) == pattern


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('"file.path" = "template"', '"file.path" = "encrypt"'), "'encrypt'"),
        (('"file.path" = "template"', '"file.path" = 7'), "7"),
        (('"file.path" = "template"', '"file.hash.*" = "template"'), "'file.hash.*' stands under reputation"),
        (('"file.path" = "template"', '"file.pe.*" = "drop"'), "overwrite"),
        (('"file.path" = "template"', '"File Path" = "keep"'), "'File Path'"),
        (('"file.path" = "template"', '"*" = "keep"'), "'*'"),
        (('"file.path" = "template"', 'file.path = "keep"'), "{'path': 'keep'} of file"),
        (('metadata = "names"', 'metadata = "names"\ngossip = "all"'), "'gossip'"),
        (('metadata = "names"', 'metadata = ""'), "metadata"),
        (("[fields.metadata]", "[fields.parts]"), "'parts'"),
        (("version = 2", "version = 0"), "version"),
        (("version = 2", "version = true"), "version"),
        (("version = 2", "version = 2\nregion = 1"), "'region'"),
        (('id = "own"', 'id = "../own"'), "'../own'"),
        (('title = "Ours"', ""), "title"),
        (("[scopes]", "[scope]"), "'scope'"),
        (("[scopes]", "[[scopes]]"), "scopes"),
        (("version = 2", "version ="), "line 3"),
        (("version = 2", f"version = {2**63}"), "version"),
        (("version = 2", f"version = {'9' * 5000}"), "5000 digits"),
        (("version = 2", f"version = 0x{'f' * 5000}"), "not a number of thousands of digits"),
        (('"file.path" = "template"', f'"file.path" = 0x{"f" * 5000}'), "unknown treatment a number of thousands"),
    ],
)
def test_what_is_not_sound_is_named(change: tuple[str, str], named: str) -> None:
    """Unknown scopes, treatments and keys, duplicates and bad values are refused by name."""
    text = SOUND.replace(*change)
    assert text != SOUND
    with pytest.raises(ConsentError) as caught:
        parse_statement(text.encode(), b"")
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xff", b""),
        (SOUND.encode(), b"\xff"),
        (b"#" * (STATEMENT_MAX_BYTES + 1), b""),
        (SOUND.encode(), b"#" * (STATEMENT_MAX_BYTES + 1)),
        (b"a=" + b"[" * 5000, b""),
    ],
)
def test_bytes_that_are_no_statement_are_refused(data: bytes, text: bytes) -> None:
    """What is not UTF-8, too long, or nested beyond reason is a ConsentError and nothing else."""
    with pytest.raises(ConsentError):
        parse_statement(data, text)


def test_one_digest_covers_both_files() -> None:
    """A byte moved from one file to the other, or changed in either, is another statement."""
    digests = {digest_of(b"ab", b"c"), digest_of(b"a", b"bc"), digest_of(b"ab", b"d"), digest_of(b"", b"abc")}
    assert len(digests) == 4


def test_only_what_ships_is_shipped() -> None:
    """A name is not a path."""
    with pytest.raises(ConsentError, match="basic, extended"):
        shipped_statement("../basic")


def test_every_shipped_file_is_one_of_the_named() -> None:
    """Each statement that ships has both its files, and no file lies there that is not one."""
    folder = Path(sampler.permit.__file__).parent / "statements"
    expected = {f"{name}.{ending}" for name in shipped_names() for ending in ("toml", "md")}
    assert {file.name for file in folder.iterdir() if file.is_file()} == expected


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_statement_says_in_words_what_it_asks(name: str) -> None:
    """Each scope that can be accepted has its paragraph in the text, and every text says how to stop."""
    statement = shipped_statement(name)
    for scope in statement.scopes:
        assert f"**{scope.value.capitalize()}**" in statement.text
    assert "sampler consent withdraw" in statement.text


def test_basic_sends_no_byte_of_a_file() -> None:
    """The narrow statement has none of the scopes under which contents travel."""
    assert shipped_statement("basic").scopes == {Scope.REPUTATION, Scope.METADATA, Scope.STATISTICS}
    assert shipped_statement("extended").scopes == frozenset(Scope)


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize("field", ["host.hostname", "host.name", "host.ip", "host.mac", "user.email", "file.content"])
def test_what_names_the_machine_is_never_listed(name: str, field: str) -> None:
    """The machine's name and addresses have no line in any statement that ships."""
    assert shipped_statement(name).rule_for(field) is None


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize("field", ["file.name", "file.path", "file.directory", "process.executable", "process.args"])
def test_what_may_name_a_person_is_never_kept(name: str, field: str) -> None:
    """Fields that may hold a person's name are treated in every statement that ships."""
    rule = shipped_statement(name).rule_for(field)
    assert rule is not None
    assert rule.treatment in (Treatment.TEMPLATE, Treatment.REDACT)
