from __future__ import annotations

from datetime import date

import pytest

from sampler.errors import ConsentError
from sampler.limits import STATEMENT_MAX_BYTES
from sampler.model import Scope
from sampler.permit import Treatment, parse_statement
from sampler.permit.statement_file import digest_of

SOUND = """
id = "own"
version = 2
title = "Ours"
region = "eu"
recipients = ["us", "our analysts"]
retention_days = 30
separate = ["metadata"]

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
COUNTED = SOUND.replace("[scopes]", '[statistics]\nthreshold = 5\n\n[scopes]\nstatistics = "counters"')


def test_a_sound_statement_is_read() -> None:
    """Identity, promises, scopes, fields and text are as the files have them."""
    statement = parse_statement(SOUND.encode(), b"# Ours\n")
    assert (statement.id, statement.version, statement.title, statement.text) == ("own", 2, "Ours", "# Ours\n")
    assert (statement.region, statement.recipients, statement.retention_days) == ("eu", ("us", "our analysts"), 30)
    assert (statement.expires, statement.statistics_threshold) == (None, None)
    assert statement.scopes == {Scope.REPUTATION, Scope.METADATA}
    assert statement.separate == {Scope.METADATA}
    assert statement.fields["file.path"] is Treatment.TEMPLATE


def test_what_only_some_statements_have_is_read() -> None:
    """A threshold of statistics and a last day are read where they stand."""
    statement = parse_statement(COUNTED.replace("[statistics]", "expires = 2027-06-01\n[statistics]").encode(), b"")
    assert (statement.statistics_threshold, statement.expires) == (5, date(2027, 6, 1))


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
        (("version = 2", "version = 2\nregions = 1"), "'regions'"),
        (('region = "eu"', 'region = "mars"'), "unknown region 'mars'; there are world, eu"),
        (('region = "eu"', ""), "unknown region None"),
        (('["us", "our analysts"]', "[]"), "recipients"),
        (('["us", "our analysts"]', '["us", 7]'), "recipients"),
        (('["us", "our analysts"]', '"us"'), "recipients is to be a list"),
        (('["us", "our analysts"]', str(["us"] * 17)), "1 to 16"),
        (('"our analysts"', f'"{"x" * 2000}"'), "recipients"),
        (("retention_days = 30", "retention_days = -1"), "retention_days"),
        (("retention_days = 30", "retention_days = 4000"), "3650"),
        (("retention_days = 30", "retention_days = 30.0"), "30.0"),
        (("retention_days = 30", ""), "retention_days"),
        (("retention_days = 30", 'retention_days = 30\nexpires = "soon"'), "expires"),
        (("retention_days = 30", "retention_days = 30\nexpires = 2027-01-01T00:00:00Z"), "a day like 2027-12-31"),
        (('separate = ["metadata"]', 'separate = ["memory"]'), "'memory' is no scope of it"),
        (('separate = ["metadata"]', 'separate = "metadata"'), "separate"),
        (("[scopes]", "[statistics]\nthreshold = 5\n[scopes]"), "goes with the scope statistics"),
        (("[scopes]", '[scopes]\nstatistics = "counters"'), "goes with the scope statistics"),
        (("[scopes]", '[statistics]\nthreshold = 1\n[scopes]\nstatistics = "counters"'), "from 2 to 1000000, not 1"),
        (("[scopes]", '[statistics]\nk = 5\n[scopes]\nstatistics = "counters"'), "'k'"),
        (("[scopes]", '[statistics]\n[scopes]\nstatistics = "counters"'), "threshold"),
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
