from __future__ import annotations

import base64
import gzip
import itertools
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.script import BLOBS_MAX_COUNT, STEPS, looks_like_script
from sampler.extract.script_blobs import decode_blob, find_blobs
from sampler.extract.script_text import TEXT_MAX_BYTES, language_of
from sampler.limits import KIB, MIB
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Inside = Callable[[Extraction, int], None]
SECRET = b"a line of text that is long enough to be worth hiding, and 0 noise"
B64 = base64.b64encode(SECRET)
WIDE = "Write-Host 'hello'".encode("utf-16-le")


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.SCRIPT, "text/plain")


def blobs(data: bytes) -> dict[str, bytes]:
    made = {}
    for region in survey(data).regions:
        if region.kind is PartKind.BLOB:
            made[region.name] = derive(data, region.recipe)
            assert len(made[region.name]) == region.length
    return made


def fact(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (b'x = "' + B64 + b'"', SECRET),
        (b"x = '" + base64.urlsafe_b64encode(SECRET + b"\xff\xfe\xfb") + b"'", SECRET + b"\xff\xfe\xfb"),
        (b"atob('aGVsbG8gd29ybGQ=')", b"hello world"),
        (b"[Convert]::FromBase64String(\"aGVsbG8gd29ybGQ\")", b"hello world"),
        (b"echo aGVsbG8gd29ybGQ= | base64 --decode | sh", b"hello world"),
        (b"powershell -nop -e " + base64.b64encode(WIDE), WIDE),
        (b"powershell.exe -EncodedCommand '" + base64.b64encode(WIDE) + b"'", WIDE),
        (b"<img src='data:text/html;base64," + B64 + b"'>", SECRET),
        (b"cat <<EOF\n" + base64.encodebytes(SECRET * 3) + b"EOF\n", SECRET * 3),
        (b"bytes.fromhex('" + SECRET[:12].hex().encode() + b"')", SECRET[:12]),
        (b"x = '" + SECRET.hex().upper().encode() + b"'", SECRET),
        (b"'" + b"".join(b"\\x%02x" % byte for byte in SECRET) + b"'", SECRET),
        (b"'" + b"".join(b"%%%02X" % byte for byte in SECRET) + b"'", SECRET),
        (b"'" + b"".join(b"\\u%04x" % byte for byte in SECRET) + b"'", SECRET.decode().encode("utf-16-le")),
        (b"'" + b"%u9090" * 8 + b"%u5a4d'", b"\x90" * 16 + b"MZ"),
        (b"[" + b", ".join(b"%d" % byte for byte in SECRET) + b"]", SECRET),
        (b"{" + b",\n".join(b"0x%02X" % byte for byte in SECRET) + b"}", SECRET),
        (b" & ".join(b"Chr(%d)" % byte for byte in SECRET), SECRET),
        (b".".join(b"chr(%d)" % byte for byte in SECRET), SECRET),
    ],
)  # fmt: skip
def test_encoded_bytes_are_cut_out_and_decoded(text: bytes, made: bytes) -> None:
    """Every encoding, in the places where scripts have it, alone and in UTF-16 with and without a mark."""
    assert list(blobs(b"\n" + text + b"\n").values()) == [made]
    wide = ("\n" + text.decode("ascii") + "\n").encode("utf-16-le")
    for script in (wide, b"\xff\xfe" + wide, b"\xfe\xff" + ("\n" + text.decode("ascii") + "\n").encode("utf-16-be")):
        assert list(blobs(script).values()) == [made]


@pytest.mark.parametrize(
    "text",
    [
        b"/usr/share/python3/dist-packages/example/of/a/long/path/to/file",
        b"this_is_a_very_long_identifier_that_nobody_would_like_to_read_2",
        b"da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef",
        b"grep -e password1 file",
        b"VersionOfAVeryLongCamelCaseIdentifierWithoutAnyDigitsInIt",
        b"1, 2, 3, 4",
        b"300, " * 40,
        b"=" * 80,
        b"----------------------------------------------------------------",
    ],
)
def test_what_only_looks_encoded_is_left(text: bytes) -> None:
    """Paths, identifiers, digests, options, rulers and numbers beyond a byte are no blobs."""
    assert blobs(text) == {}


@pytest.mark.parametrize(
    ("packed", "steps"),
    [
        (gzip.compress(b"#!/bin/sh\n" + SECRET, mtime=0), None),
        (zlib.compress(SECRET), "inflated"),
        (deflated(SECRET), "inflated"),
    ],
)
def test_what_is_packed_inside_is_unpacked(packed: bytes, steps: str | None) -> None:
    """Gzip by its reader, zlib and bare deflate by trying, in the same recipe terms."""
    data = b"x = '" + base64.b64encode(packed) + b"'"
    found = [region for region in survey(data).regions if region.recipe]
    contents = [derive(data, region.recipe) for region in found]
    assert contents[0] == packed
    assert any(SECRET in content for content in contents[1:])
    assert steps is None or any(region.recipe[0].startswith(steps) for region in found)


def test_blobs_in_blobs_are_opened() -> None:
    """A script that decodes to a script that decodes is followed, each layer a part with one step more."""
    inner = b"#!/bin/sh\necho " + B64 + b" | base64 -d\n"
    data = b"#!/bin/sh\necho " + base64.b64encode(inner) + b" | base64 -d | sh\n"
    assert list(blobs(data).values()) == [inner, SECRET]
    recipes = [region.recipe for region in survey(data).regions if region.recipe]
    assert [len(recipe) for recipe in recipes] == [1, 2]


def test_layers_without_end_end() -> None:
    """However often a blob is encoded again, no more layers are opened than containers are."""
    data = b"#!/bin/sh\n" + SECRET
    for _ in range(12):
        data = b"#!/bin/sh\necho " + base64.b64encode(data) + b" | base64 -d | sh\n"
    found = survey(data)
    assert "too-deep" in {problem.code for problem in found.problems}
    assert max(len(region.recipe) for region in found.regions) <= 6


def test_facts_of_a_script() -> None:
    """Language, lines, the longest of them, blobs by encoding, and addresses."""
    data = b"#!/usr/bin/env python3\nx = '" + B64 + b"'\n# https://example.invalid/a?b=1 http://example.invalid\n"
    assert fact(data, "sampler.file.script.language") == "python"
    assert fact(data, "sampler.file.script.lines_count") == 3
    assert fact(data, "sampler.file.script.longest_line") == 94
    assert fact(data, "sampler.file.script.blobs") == ("base64 1",)
    assert fact(data, "sampler.file.external_urls") == ("https://example.invalid/a?b=1", "http://example.invalid")


@pytest.mark.parametrize(
    ("case", "language"),
    [
        ("js-run", "javascript"), ("php-eval", "php"), ("powershell-cradle", "powershell"), ("python-exec", "python"),
        ("shell-plain", "shell"), ("vbs-run", "vbscript"), ("js-blobs", "javascript"),
    ],
)  # fmt: skip
def test_samples_are_known_by_their_language(case: str, language: str) -> None:
    """By the line that names an interpreter, or by statements."""
    (path,) = [path for path in (shipped("samples_fixture") / "script" / case).iterdir() if path.suffix != ".json"]
    assert language_of(path.read_bytes()) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (b"@echo off\r\ndir\r\n", "batch"),
        (b"<html><script>1</script>", "html"),
        (b"use strict;\nmy $x = 1;\n", "perl"),
        (b"#!/usr/bin/env -S FOO=1 whatever\n", "other"),
        (WIDE, "powershell"),
        (b"A letter, in plain words.\n", ""),
        (b"\x7fELF\x02\x01\x01" + bytes(100), ""),
        (b"", ""),
    ],
)
def test_other_languages_and_none(text: bytes, language: str) -> None:
    """What is no program text has no language, and nothing is looked for in it unless its kind was told."""
    assert language_of(text) == language
    assert looks_like_script(text) == bool(language)


def test_what_is_told_to_be_a_script_is_read_as_one() -> None:
    """A text that shows no language has its blobs cut out where its kind says that it is a script."""
    data = b"echo " + B64 + b"\n"
    assert blobs(data) != {}
    other = find_regions(data, ContentKind.OTHER, "text/plain")
    assert not [region for region in other.regions if region.kind is PartKind.BLOB]


def test_only_so_many_blobs_and_bytes() -> None:
    """Past the ceilings blobs are left, and what is not read of a long text is said."""
    data = b"#!/bin/sh\n" + b"\n".join(
        base64.b64encode(b"line %03d of a long text, and more!" % index) for index in range(BLOBS_MAX_COUNT + 50)
    )
    assert len(blobs(data)) == BLOBS_MAX_COUNT
    long = b"#!/bin/sh\n" + b"#\n" * (TEXT_MAX_BYTES // 2)
    assert [problem.code for problem in survey(long).problems] == ["too-large"]


@pytest.mark.parametrize(
    "word",
    [
        b"A", b"a1", b"a1B/", b"\\x41", b"\\u0041", b"%41", b"1,", b"0x41,", b"chr(1)&", b" -e ", b"atob('", b"http://",
        b"-", b"| base64 -d", b"A" * 39 + b"\n", b"a1B" * 14 + b"\n", b"function(", b"@echo", b"Get-A ", b"$a=",
        b"ab" * 39 + b" ",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ends_in_moments")
def test_hostile_repetition_ends_in_time(word: bytes) -> None:
    """However often anything is repeated, a text is read in time that grows with it."""
    survey((b"#!/bin/sh\n" + word * (2 * TEXT_MAX_BYTES // len(word)))[:TEXT_MAX_BYTES])


def test_a_bomb_in_a_blob_is_named() -> None:
    """What would inflate to too much is a problem, and the packed bytes stand."""
    data = b"x = '" + base64.b64encode(deflated(bytes(40 * MIB))) + b"'"
    found = survey(data)
    assert [problem.code for problem in found.problems] == ["too-large"]
    assert sum(region.kind is PartKind.BLOB for region in found.regions) == 1


@pytest.mark.parametrize("argument", ["", "0", "0+", "1+99999", "-1+2", "0+5+5", "x+y"])
@pytest.mark.parametrize("step", sorted(STEPS))
def test_recipes_that_do_not_apply_are_refused(step: str, argument: str) -> None:
    """A stretch that is none makes nothing."""
    with pytest.raises(NotDerivable):
        STEPS[step](b"QUJDREVGRw==", argument, KIB)


def test_a_recipe_makes_no_more_than_it_may() -> None:
    """The ceiling of a replay holds."""
    with pytest.raises(NotDerivable):
        STEPS["base64"](B64, f"0+{len(B64)}", 10)
    packed = base64.b64encode(deflated(bytes(MIB)))
    with pytest.raises(NotDerivable):
        STEPS["inflated"](packed, f"0+{len(packed)}", 1000)


@given(secret=st.binary(min_size=30, max_size=300))
def test_any_bytes_come_back(secret: bytes) -> None:
    """What was encoded is what is decoded, in every encoding."""
    codes = b", ".join(b"%d" % byte for byte in secret)
    escapes = b"".join(b"\\x%02x" % byte for byte in secret)
    call = b"atob('" + base64.b64encode(secret) + b"')"
    for text, encoding in ((codes, "codes"), (escapes, "escapes"), (call, "base64")):
        (found,) = find_blobs(b"(" + text + b")")
        assert found.encoding == encoding
        assert decode_blob(encoding, (b"(" + text + b")")[found.start : found.end]) == secret


@given(st.binary(max_size=600))
def test_any_text_is_surveyed(inside: Inside, data: bytes) -> None:
    """No bytes raise, blobs lie inside and do not overlap, and recipes make what they say."""
    found = survey(data)
    inside(found, len(data))
    for region in found.regions:
        assert not region.recipe or len(derive(data, region.recipe)) == region.length
    spans = sorted((blob.start, blob.end) for blob in find_blobs(data))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
