from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.pdf import ACTING_MAX_COUNT, LINKING_MAX_COUNT, read_pdf
from sampler.extract.pdf_objects import OBJECTS_MAX_COUNT, object_at, scan_objects
from sampler.limits import MIB
from sampler.model import ContentKind, FieldValue, PartKind, value_of

HEAD = b"%PDF-1.7\n"
Inside = Callable[[Extraction, int], None]


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DOCUMENT, "application/pdf")


def fact(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def stream(dictionary: bytes, content: bytes, *, length: int | None = None) -> bytes:
    said = len(content) if length is None else length
    return b"<<%s/Length %d>>stream\r\n%s\r\nendstream" % (dictionary, said, content)


def pdf(*objects: bytes, behind: bytes = b"") -> bytes:
    numbered = (b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(objects, 1))
    return HEAD + b"".join(numbered) + b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n" + behind


def object_stream(*objects: bytes, first_number: int = 50) -> bytes:
    places = [sum(len(each) + 1 for each in objects[:index]) for index in range(len(objects))]
    head = b" ".join(b"%d %d" % (first_number + index, place) for index, place in enumerate(places)) + b" "
    return stream(
        b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(objects), len(head)),
        zlib.compress(head + b" ".join(objects)),
    )


def parts(data: bytes, kind: PartKind) -> dict[str, bytes]:
    """Names and bytes of all parts of a kind; derived ones are made."""
    found = [region for region in survey(data).regions if region.kind is kind]
    made = {}
    for region in found:
        content = derive(data, region.recipe) if region.recipe else data[region.offset : region.offset + region.length]
        assert len(content) == region.length
        made[region.name] = content
    return made


def test_scripts_in_strings_and_streams_are_taken() -> None:
    """A string, one in UTF-16, one behind escapes, a referred string, and a stream; each by its own recipe."""
    data = pdf(
        b"<</S/JavaScript/JS(one\\(1\\))>>",
        b"<</#4a#53 <feff00740077006f>>>",
        b"<</AA<</O<</JS 4 0 R>>>>>>",
        b"(three)",
        b"<</JS 6 0 R>>",
        stream(b"/Filter/FlateDecode", zlib.compress(b"four();")),
    )
    assert parts(data, PartKind.SCRIPT) == {"1/0": b"one(1)", "2/0": b"two", "4/0": b"three", "6": b"four();"}
    assert fact(data, "sampler.file.document.features") == ("additional-actions", "javascript")
    assert fact(data, "sampler.file.pdf.escaped_names_count") == 1


def test_objects_in_object_streams_are_read() -> None:
    """What hides in a compressed object stream is an object like any, with its text and its script as derived bytes."""
    data = pdf(object_stream(b"<</Type/Page>>", b"<</S/Launch/F(\\\\\\\\host\\\\share)/JS(hidden)>>"))
    assert parts(data, PartKind.SCRIPT) == {"51/0": b"hidden"}
    (acting,) = parts(data, PartKind.OBJECT).values()
    assert acting.startswith(b"<</S/Launch")
    assert fact(data, "sampler.file.external_urls") == ("\\\\host\\share",)


def test_embedded_files_are_opened_under_their_names() -> None:
    """By file specification or by type, in any revision; what is inside of them is surveyed."""
    program = b"\x7fELF\x02\x01\x01" + bytes(57)
    data = pdf(
        b"<</Type/Filespec/UF<feff00e9002e0073006f>/EF<</F 2 0 R>>>>",
        stream(b"/Filter/FlateDecode", zlib.compress(program)),
        stream(b"/Type/EmbeddedFile", b"#!/bin/sh\necho QUFBQUFBQUFBQUFB | base64 -d\n"),
    )
    assert parts(data, PartKind.ATTACHMENT) == {
        "3": b"#!/bin/sh\necho QUFBQUFBQUFBQUFB | base64 -d\n",
        "é.so": program,
    }
    assert parts(data, PartKind.BLOB) == {"3/base64@15": b"A" * 12}


def test_a_pdf_in_a_pdf_is_one_more_container() -> None:
    """The scripts of a file that is embedded are found, by a recipe of two steps, and it adds no fields."""
    inner = pdf(b"<</JS(inside)>>")
    data = pdf(b"<</EF<</F 2 0 R>>/F(inner.pdf)>>", stream(b"", inner))
    assert parts(data, PartKind.SCRIPT) == {"inner.pdf/1/0": b"inside"}
    assert fact(data, "sampler.file.pdf.objects_count") == 2


def test_updates_are_counted_and_the_last_version_holds() -> None:
    """A number that is used again means its last object; the one before is still an object."""
    data = pdf(b"<</JS 2 0 R>>", b"(old)") + b"2 0 obj (new) endobj\nstartxref\n9\n%%EOF\n"
    assert parts(data, PartKind.SCRIPT) == {"2/0": b"new"}
    assert fact(data, "sampler.file.pdf.revisions_count") == 2
    assert fact(data, "sampler.file.pdf.objects_count") == 3


def test_what_stands_before_and_behind_is_an_overlay() -> None:
    """Bytes before the header are counted, bytes behind the last end are opened."""
    data = b"junk\n" * 4 + pdf(b"<<>>", behind=b"\x7fELF\x02\x01\x01" + bytes(57))
    found = parts(data, PartKind.OVERLAY)
    assert found["before"] == b"junk\n" * 4
    assert found[""].startswith(b"\x7fELF")
    assert fact(data, "sampler.file.pdf.header_offset") == 20


def test_an_object_behind_the_last_end_is_no_overlay() -> None:
    """An update whose end is cut off is part of the file."""
    data = pdf(b"<<>>") + b"2 0 obj <</JS(cut)>>"
    assert parts(data, PartKind.OVERLAY) == {}
    assert parts(data, PartKind.SCRIPT) == {"2/0": b"cut"}


def test_encrypted_files_are_said_to_be() -> None:
    """Nothing that is encrypted is passed off as content; objects that act are still cut out as they stand."""
    data = pdf(b"<</JS(garbage)/OpenAction 1 0 R>>").replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt 9 0 R")
    data = data.replace(b"startxref\n9", b"startxref\n%d" % (data.index(b"trailer")))
    data = data.replace(b"trailer", b"xref\n0 0\ntrailer")
    found = survey(data)
    assert [problem.code for problem in found.problems] == ["encrypted"]
    assert not [region for region in found.regions if region.recipe]
    features = fact(data, "sampler.file.document.features")
    assert isinstance(features, tuple)
    assert "encrypted" in features
    assert any(region.kind is PartKind.OBJECT for region in found.regions)


def test_objects_that_only_a_table_leads_to_are_read() -> None:
    """An object inside another's stream, where a table points, is found through the table."""
    hidden = b"9 0 obj <</JS(by table)>> endobj\n"
    data = pdf(stream(b"", b"data\n" + hidden + b"data"))
    place = data.index(hidden)
    table = b"xref\n9 1\n%010d 00000 n \ntrailer<</Size 10>>\nstartxref\n%d\n%%%%EOF\n" % (place, len(data))
    assert parts(data, PartKind.SCRIPT) == {}
    assert parts(data + table, PartKind.SCRIPT) == {"9/0": b"by table"}


def test_a_table_stream_leads_to_objects_too() -> None:
    """The same for a cross-reference stream, behind a predictor."""
    hidden = b"9 0 obj <</JS(by stream)>> endobj\n"
    data = pdf(stream(b"", b"data\n" + hidden + b"data"))
    row = b"\2\1" + data.index(hidden).to_bytes(2, "big") + b"\0"
    table = stream(b"/Type/XRef/W[1 2 1]/Filter/Fl/DecodeParms<</Predictor 12/Columns 4>>", zlib.compress(row))
    data += b"20 0 obj " + table + b" endobj\nstartxref\n%d\n%%%%EOF\n" % len(data)
    assert parts(data, PartKind.SCRIPT) == {"9/0": b"by stream"}


@pytest.mark.parametrize("length", [0, 3, 10**6, -1])
def test_lies_about_a_length_hide_nothing(length: int) -> None:
    """A wrong length is not followed: the stream ends where its keyword says, and what follows is found."""
    data = pdf(stream(b"/Type/EmbeddedFile", b"0123456789", length=length), b"<</JS(after)>>")
    assert parts(data, PartKind.ATTACHMENT) == {"1": b"0123456789"}
    assert parts(data, PartKind.SCRIPT) == {"2/0": b"after"}


def test_a_stream_without_an_end_hides_nothing() -> None:
    """Where ``endstream`` is missing the object's end is the stream's."""
    data = pdf(b"<<>>stream\nabc", b"<</JS(after)>>")
    assert parts(data, PartKind.SCRIPT) == {"2/0": b"after"}


def test_links_are_told_and_bounded() -> None:
    """URIs that lead elsewhere are a fact, and objects that only link are not all parts."""
    data = pdf(*(b"<</S/URI/URI(https://example.invalid/%d)>>" % index for index in range(LINKING_MAX_COUNT + 40)))
    urls = fact(data, "sampler.file.external_urls")
    assert isinstance(urls, tuple)
    assert urls[:2] == ("https://example.invalid/0", "https://example.invalid/1")
    assert len(parts(data, PartKind.OBJECT)) == LINKING_MAX_COUNT


@pytest.mark.parametrize("value", [b"[1 2]", b"<</A 1>>", b"(text)", b"1 0 R", b"7", b"null", b"/Name"])
def test_values_of_the_wrong_type_are_passed_over(inside: Inside, value: bytes) -> None:
    """Wherever a name, a number or a string belongs, anything may stand."""
    keys = b"S JS F UF EF URI XFA Type Filter DecodeParms Length N First".split()
    acting = b"<</AA<<" + b"".join(b"/" + key + b" " + value for key in keys) + b">>/Launch/GoToR/EF 3 0 R>>"
    box = stream(b"/Type/ObjStm/N 1/First 4/DecodeParms[" + value + b"]/Filter/AHx", b"31203020313e")
    table = stream(b"/Type/XRef/W " + value + b"/Prev " + value + b"/Filter " + value, b"abc")
    data = pdf(acting, box, stream(b"/EF/Filter " + value, b"abc")) + b"9 0 obj" + table + b"\nstartxref\n"
    data += b"%d\n%%%%EOF" % data.rindex(b"9 0 obj")
    inside(survey(data), len(data))


@pytest.mark.usefixtures("ends_in_moments")
def test_only_so_many_objects() -> None:
    """Past the ceilings objects are not read, which is said, and not all that act are parts."""
    data = HEAD + b"".join(b"%d 0 obj<</AA 1>>endobj\n" % number for number in range(OBJECTS_MAX_COUNT + 5))
    found = survey(data)
    assert [problem.code for problem in found.problems] == ["too-many-objects"]
    assert sum(region.kind is PartKind.OBJECT for region in found.regions) == ACTING_MAX_COUNT


def test_a_bomb_is_named_and_not_unpacked() -> None:
    """A stream that would make too much of too little is a problem, and what else there is stands."""
    bomb = zlib.compress(bytes(40 * MIB), 9)
    data = pdf(stream(b"/Type/EmbeddedFile/Filter/Fl", bomb), b"<</JS(still)>>")
    found = survey(data)
    assert [problem.code for problem in found.problems] == ["too-large"]
    assert parts(data, PartKind.SCRIPT) == {"2/0": b"still"}


def test_an_object_stream_that_holds_itself_ends() -> None:
    """Object streams are not looked for in object streams, and embedded files that refer to themselves come once."""
    data = pdf(object_stream(b"<</Type/ObjStm/N 9/First 0>>", b"<</EF<</F 1 0 R>>>>"))
    assert len(parts(data, PartKind.ATTACHMENT)) == 1


@pytest.mark.parametrize("argument", ["", "x", "9", "9/0", "9#1", "9/9999", "9#0/0", "99999", "-1", "9#", "²"])
def test_recipes_that_do_not_apply_are_refused(argument: str) -> None:
    """A place without an object, stream or script makes nothing."""
    with pytest.raises(NotDerivable):
        read_pdf(pdf(b"<</JS(one)>>"), argument, MIB)


def test_a_header_alone_is_no_pdf() -> None:
    """Text that mentions a header and holds no object is left to others."""
    found = survey(b"a note about %PDF-1.7 files" + bytes(20_000))
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.WINDOW, PartKind.TAIL}


@pytest.mark.usefixtures("ends_in_moments")
@pytest.mark.parametrize(
    "word", [b" obj", b"1 0 obj", b"1 0 obj stream ", b"1 0 obj<<", b"1 0 obj(", b"startxref 9 ", b"%%EOF"]
)
def test_hostile_repetition_ends_in_time(word: bytes) -> None:
    """Keywords by the hundred thousand take no more than their share."""
    survey(HEAD + word * (2 * MIB // len(word)))


def test_cutting_anywhere_costs_only_what_is_cut(inside: Inside) -> None:
    """Every beginning of a file is surveyed without an exception, and its recipes make what they say."""
    data = pdf(b"<</JS(a)/EF<</F 2 0 R>>/F(x)>>", stream(b"/Filter/AHx", b"414243>"), object_stream(b"<</JS(b)>>"))
    for end in range(0, len(data), 3):
        found = survey(data[:end])
        inside(found, end)
        for region in found.regions:
            assert not region.recipe or len(derive(data[:end], region.recipe)) == region.length


@given(st.binary(max_size=300))
def test_objects_lie_inside_and_are_found_again(noise: bytes) -> None:
    """What scanning finds in any bytes lies inside of them, and is found at its offset."""
    data = b"1 0 obj<<" + noise + b">>2 0 obj" + noise
    for found in scan_objects(data):
        assert 0 <= found.offset < found.end <= len(data)
        assert object_at(data, found.offset) == found
