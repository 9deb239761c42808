from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.rtf import read_object
from sampler.extract.rtf_objects import OBJECTS_MAX_COUNT, RtfReader, Text
from sampler.limits import MIB
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Import = Callable[[str], Any]


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DOCUMENT, "text/rtf")


def fact(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def objects_of(data: bytes) -> list[bytes]:
    return [found.content for found in RtfReader(data) if isinstance(found, Text) and found.word == b"objdata"]


def objects_by_rtfobj(oracle: Import, data: bytes) -> list[bytes]:
    parser = oracle("oletools.rtfobj").RtfObjParser(data)
    parser.parse()
    return [found.rawdata for found in parser.objects]


def ole1(name: bytes, content: bytes, *, kind: int = 2, topic: bytes = b"") -> bytes:
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (name, topic, b""))
    return struct.pack("<II", 0x501, kind) + texts + struct.pack("<I", len(content)) + content


def embedded(content: bytes) -> bytes:
    return rb"{\rtf1{\object\objemb{\*\objdata " + content.hex().encode() + b"}}}"


TRICKS = [
    rb"{\rtf1{\object{\*\objdata 0102 03\par 04}}}",
    rb"{\rtf1{\object{\*\objdata 01{\*\objname 4142}02}}}",
    rb"{\rtf1{\object{\*\objdata 01{\*\unknown 4142}02}}}",
    rb"{\rtf1{\object{\*\objdata 01{{{02}}}03}}}",
    rb"{\rtf1{\object{\*\objdata 0\'4102}}}",
    rb"{\rtf1{\object{\*\objdata 01\'4102}}}",
    rb"{\rtf1{\object{\*\objdata 012}}}",
    rb"{\rtf1{\object{\*\objdata 01\bin3 abc02}}}",
    rb"{\rtf1{\object{\*\objdata 01\bin02}}}",
    rb"{\rtf1{\object{\*\objdata 01\bin-5 02}}}",
    rb"{\rtf1{\object{\*\objdata 01\bin 02}}}",
    rb"{\rtf1{\object\objdata 0102\objclass Word\objdata 0304}}",
    rb"{\rtf1{\object{\*\objdata zz01gg02;;;03}}}",
    rb"{\rtf1{\object{\*\objdata 01" + b"\r\n\t\x0b\x0c " * 9 + b"02}}}",
    rb"{\rtf1{\object{\*\objdata 0102",
    rb"{\rtf1}}}}{\object{\*\objdata 0102}}",
    rb"{\rtf1{\object{\*\objdata 01\{02\}\\03}}}",
    rb"{\rtf1{\object{\*\objdata 01\\'ff02}}}",
    rb"{\rtf1{\objdata 01{\objdata 02}03}}",
    rb"{\rtf1{\object{\*\objdata\bin4 " + b"{}\\\x00" + b"05}}}",
    rb"{\rt{\object{\*\objdata 0\u12 102}}}",
]


@pytest.mark.parametrize("data", TRICKS, ids=range(len(TRICKS)))
def test_broken_digits_are_put_together_as_rtfobj_does(oracle: Import, data: bytes) -> None:
    """Each trick that hides an object from others yields the same bytes."""
    assert objects_of(data) == objects_by_rtfobj(oracle, data)
    assert objects_of(data)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"{", b"}", b"01", b"a", b" ", b"\n", rb"\'41", rb"\par ", rb"{\*\objname 4}", rb"\bin2 }{", rb"{\*\x 5}",
             rb"{\object\objemb", rb"{\*\objdata ", rb"\{", rb"\~", b"zz", rb"\bin1x", rb"\objclass "]
        ),
        max_size=30,
    )
)  # fmt: skip
def test_any_mix_of_tricks_is_put_together_as_rtfobj_does(oracle: Import, pieces: list[bytes]) -> None:
    """As long as its groups are closed no more often than they are opened, any text has the same objects."""
    data, depth = rb"{\rtf1", 1
    for piece in pieces:
        depth += (piece[:1] == b"{") - (piece in (b"}", rb"{\*\objname 4}", rb"{\*\x 5}"))
        if depth < 1:
            break
        data += piece
    assert objects_of(data) == objects_by_rtfobj(oracle, data)


def test_a_text_that_ends_inside_a_control_word_is_read() -> None:
    """A backslash at the end, on which rtfobj gives up, ends the object before it."""
    assert objects_of(rb"{\rtf1{\object{\*\objdata 01" + b"\\") == [b"\x01"]


@pytest.mark.parametrize("name", ["rtf/embedded-object/embedded-object.rtf", "rtf/hidden-object/hidden-object.rtf"])
def test_samples_have_the_objects_that_rtfobj_finds(oracle: Import, name: str) -> None:
    """The objects of the samples agree, and each recipe makes its bytes again."""
    data = (shipped("samples_fixture") / name).read_bytes()
    assert objects_of(data) == objects_by_rtfobj(oracle, data)
    made = [derive(data, region.recipe) for region in survey(data).regions if region.kind is PartKind.OBJECT]
    assert len(made) == 2
    assert made[0] == objects_of(data)[0]


def test_what_lies_in_an_object_is_opened(maker: Import) -> None:
    """Macros of a compound file in an object are parts of the whole, and the class is a fact."""
    source = b'Attribute VB_Name = "A"\r\nSub A()\r\nEnd Sub\r\n'
    inner = maker("ole").compound_file((maker("vba").project({"A": source}),))
    data = embedded(ole1(b"Word.Document.8\0", inner))
    [macro] = [region for region in survey(data).regions if region.kind is PartKind.MACRO]
    assert macro.recipe == ("rtf:0:data", "vba:2+0")
    assert derive(data, macro.recipe) == source
    assert fact(data, "sampler.file.document.object_classes") == ("Word.Document.8",)


def test_what_a_text_loads_is_told() -> None:
    """Templates, links, DDE and objects that update themselves are features; addresses on the machine are not."""
    data = (
        rb"{\rtf1{\*\template http://example.invalid/t.rtf}{\field{\*\fldinst  DDEAUTO x}}{\object\objautlink\objupdate"
    )
    data += rb"{\*\objclass Equation.3}{\*\objdata "
    data += ole1(b"htafile\0", b"", kind=1, topic=b"\\\\example.invalid\\x.hta\0").hex().encode() + b"}}}"
    assert fact(data, "sampler.file.document.features") == (
        "dde", "embedded-object", "external-object", "external-template", "linked-object", "object-updates",
    )  # fmt: skip
    assert fact(data, "sampler.file.external_urls") == ("http://example.invalid/t.rtf", "\\\\example.invalid\\x.hta")
    assert fact(data, "sampler.file.document.object_classes") == ("Equation.3", "htafile")
    assert fact(rb"{\rtf1{\*\template C:\\Users\\someone\\t.dot}}", "sampler.file.external_urls") is None


def test_the_url_of_a_moniker_in_an_object_is_told() -> None:
    """An object that loads itself from elsewhere says from where."""
    moniker = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<I", 48)
    data = embedded(ole1(b"OLE2Link\0", b"x" * 40 + moniker + "http://example.invalid/a\0".encode("utf-16-le")))
    assert fact(data, "sampler.file.external_urls") == ("http://example.invalid/a",)


def test_what_only_word_takes_for_rtf_is_read() -> None:
    """A text that begins with less than the specification asks for has its objects all the same."""
    assert len(objects_of(embedded(b"x").replace(b"rtf1", b"rt"))) == 1
    assert fact(embedded(b"x").replace(b"rtf1", b"rt"), "sampler.file.document.features") == ("embedded-object",)


@pytest.mark.parametrize("argument", ["1", "-1", "", "0:", "0:text", "x", "0:data:", "00000"])
def test_a_step_that_names_no_object_is_refused(argument: str) -> None:
    """Only what the survey named can be asked for."""
    with pytest.raises(NotDerivable):
        read_object(embedded(b"abcd"), argument, MIB)


@pytest.mark.usefixtures("ends_in_moments")
def test_absurd_counts_cost_bounded_work() -> None:
    """Braces without end, groups without end and objects without end are given up and named."""
    objects = rb"{\rtf1" + rb"{\objdata 00}" * (OBJECTS_MAX_COUNT + 100)
    assert "too-many-objects" in {problem.code for problem in survey(objects).problems}
    deep = rb"{\rtf1" + rb"{\object" * 10_000
    assert "too-deep" in {problem.code for problem in survey(deep).problems}
    braces = survey(rb"{\rtf1" + b"{}" * 3_000_000)
    assert "too-long" in {problem.code for problem in braces.problems}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_some_text(content: bytes) -> None:
    """Nothing raises; each recipe makes as many bytes as it was said to make."""
    data = rb"{\rtf1{\object{\*\objdata " + content
    for region in survey(data).regions:
        if region.recipe:
            assert len(derive(data, region.recipe)) == region.length
