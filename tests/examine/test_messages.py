"""What parent and child say to each other: nothing is lost on the way, and what does not belong is refused."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.examine.messages import (
    Examined,
    ExamineRequest,
    MessageError,
    Ready,
    Unusable,
    decode_answer,
    decode_order,
    decode_preparation,
    decode_request,
    encode,
    encode_answer,
    encode_order,
    encode_ready,
    sendable,
)
from sampler.examine.settings import RuleReport
from sampler.limits import (
    FIELD_VALUE_MAX_CHARACTERS,
    FIELDS_MAX_COUNT,
    FRAME_MAX_BYTES,
    HITS_PER_RULE_MAX_COUNT,
    MATCHES_MAX_COUNT,
    PROBLEMS_MAX_COUNT,
    REGIONS_MAX_COUNT,
)
from sampler.model import ContentKind, Examination, Field, PartKind, Problem, Region, RuleMatch, StringHit
from sampler.scan import RuleSettings, ScanLimits

small = st.integers(0, 2**40)
texts = st.text(max_size=20)
meta = st.tuples(texts, texts | st.booleans() | st.integers(-(2**62), 2**62))
hits = st.builds(StringHit, texts, small, small)
matches = st.builds(
    RuleMatch,
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.lists(meta, max_size=3).map(tuple),
    st.lists(hits, max_size=3).map(tuple),
    small,
)
values = texts | st.booleans() | small | st.floats(allow_nan=False) | st.lists(texts, max_size=3).map(tuple)
examinations = st.builds(
    Examination,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.sampled_from(ContentKind),
    texts,
    texts,
    st.lists(matches, max_size=3).map(tuple),
    st.lists(st.builds(Region, st.sampled_from(PartKind), texts, small, small), max_size=3).map(tuple),
    st.lists(st.builds(Field, st.sampled_from(["file.type", "file.pe.imphash"]), values), max_size=3).map(tuple),
    st.lists(st.builds(Problem, texts, texts, texts), max_size=3).map(tuple),
)
GOOD = Examination("0" * 64, ContentKind.OTHER, "x/y", "v", (RuleMatch("r", "n", (), (), (StringHit("$a", 0, 1),), 1),))


@given(examination=examinations)
def test_an_answer_arrives_as_it_was(examination: Examination) -> None:
    """Every value of an examination comes out of the coding as it went in."""
    assert decode_answer(encode_answer(examination)) == Examined(examination)


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_answer(data: bytes) -> None:
    """Bytes that are no answer are refused, and nothing else is raised."""
    with pytest.raises(MessageError):
        decode_answer(data)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_answer(place: int, byte: int) -> None:
    """An answer with one byte changed is refused, or it is still within the model."""
    data = bytearray(encode_answer(GOOD))
    data[place % len(data)] = byte
    with contextlib.suppress(MessageError):
        decode_answer(bytes(data))


def changed(path: tuple[str | int, ...], value: object) -> bytes:
    """The good answer, with one value in it replaced."""
    document: Any = msgspec.msgpack.decode(encode_answer(GOOD))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return msgspec.msgpack.encode(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("type",), "ready"),
        (("examination",), None),
        (("examination", "sha256"), 7),
        (("examination", "kind"), "malware"),
        (("examination", "mime_type"), "x" * 2000),
        (("examination", "matches"), [{"rule": "r", "namespace": "n"}] * (MATCHES_MAX_COUNT + 1)),
        (("examination", "matches", 0, "rule"), b"r"),
        (("examination", "matches", 0, "rule"), "r" * 2000),
        (("examination", "matches", 0, "hits"), [{"identifier": "$", "offset": 0, "length": 0}] * 257),
        (("examination", "matches", 0, "hits", 0, "offset"), -1),
        (("examination", "matches", 0, "hits", 0, "length"), "1"),
        (("examination", "matches", 0, "hits", 0, "offset"), 1.5),
        (("examination", "fields"), [{"name": "no name", "value": 1}]),
        (("examination", "fields"), [{"name": "file.type", "value": None}]),
        (("examination", "regions"), [{"kind": "soul", "name": "", "offset": 0, "length": 0}]),
        (("examination", "problems"), [{"stage": "scan", "code": "x", "detail": "d" * 2000}]),
        (("examination", "problems"), "none"),
    ],
)
def test_values_that_do_not_belong(path: tuple[str | int, ...], value: object) -> None:
    """A value of another type, or above its ceiling, makes the whole answer be refused."""
    with pytest.raises(MessageError):
        decode_answer(changed(path, value))


def test_text_that_is_not_utf8() -> None:
    """Text that is not UTF-8 is refused."""
    data = encode_answer(GOOD)
    with pytest.raises(MessageError):
        decode_answer(data.replace(b"x/y", b"x\xffy"))


def test_nesting_without_end() -> None:
    """Nesting without end is refused, not followed."""
    with pytest.raises(MessageError):
        decode_answer(b"\x91" * 100_000 + b"\x00")


def full(text: str) -> Examination:
    """An examination with everything at its ceiling."""
    hits = tuple(StringHit("$identifier", 2**40 + place, 2**20) for place in range(HITS_PER_RULE_MAX_COUNT))
    match = RuleMatch("r" * 128, "n" * 128, ("tag",) * 8, (("description", text[:500]),) * 8, hits, 10**6)
    return Examination(
        "0" * 64,
        ContentKind.OTHER,
        "x/y",
        "v",
        matches=(match,) * MATCHES_MAX_COUNT,
        regions=(Region(PartKind.SECTION, text[:256], 2**40, 2**40),) * REGIONS_MAX_COUNT,
        fields=(Field("file.type", text),) * FIELDS_MAX_COUNT,
        problems=(Problem("extract", "x", text[:1024]),) * PROBLEMS_MAX_COUNT,
    )


@pytest.mark.parametrize("text", ["a" * FIELD_VALUE_MAX_CHARACTERS, "\U0001f600" * FIELD_VALUE_MAX_CHARACTERS])
def test_an_answer_that_would_be_too_long(text: str) -> None:
    """With everything at its ceiling an answer still fits a frame, keeps every match, and says that it was cut."""
    examination = full(text)
    data = encode_answer(examination)
    assert len(data) < FRAME_MAX_BYTES
    answer = decode_answer(data)
    assert isinstance(answer, Examined)
    assert [match.rule for match in answer.examination.matches] == [match.rule for match in examination.matches]
    assert {match.hits_total for match in answer.examination.matches} == {10**6}
    assert "too-much" in {problem.code for problem in answer.examination.problems}


def test_hits_go_first() -> None:
    """Where leaving hits out is enough, nothing else goes."""
    examination = full("short")
    answer = decode_answer(encode_answer(examination))
    assert isinstance(answer, Examined)
    assert answer.examination.fields == examination.fields
    assert answer.examination.regions == examination.regions
    assert 0 < len(answer.examination.matches[0].hits) < HITS_PER_RULE_MAX_COUNT


def test_the_order_and_the_request() -> None:
    """Paths travel as the bytes that the file system keeps."""
    folder = Path(os.fsdecode(b"/rules/\xff"))
    limits = ScanLimits(timeout_seconds=7, fast=True)
    rules = RuleSettings((folder,), "yara-x", {"depth": 3, "site": "hq"}, folder / "cache")
    assert decode_order(encode_order(rules, limits)) == (rules, limits)
    request = ExamineRequest("0" * 64, 7, b"/tmp/\xff\n", "person")
    assert decode_request(encode(request)) == request
    with pytest.raises(MessageError):
        decode_request(encode_order(rules, limits))
    with pytest.raises(MessageError):
        decode_order(encode(request))


def test_reports() -> None:
    """A nursery reports its rules, with as many problems as anyone reads, or that it has none."""
    report = RuleReport("v", 3, ("a.yar:1: \udcff",) * 5000)
    decoded = decode_preparation(encode_ready(report))
    assert isinstance(decoded, Ready)
    assert (decoded.report.version, decoded.report.rule_count) == ("v", 3)
    assert decoded.report.problems[0] == "a.yar:1: \\udcff"
    assert decoded.report.problems[-1] == "and 4000 more"
    assert decode_preparation(encode(Unusable("why"))) == Unusable("why")
    with pytest.raises(MessageError):
        decode_preparation(b"")


@given(text=st.text(st.characters(exclude_categories=())))
def test_sendable(text: str) -> None:
    """Any text can be sent once it was made sendable, and one that could be is left as it was."""
    sendable(text).encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert sendable(text) == text
