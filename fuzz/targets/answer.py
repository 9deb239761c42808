"""A child's answer: bytes that the parent decodes and then believes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.judging import SHA256, judge, judge_swept
from fuzz.target import Target
from sampler.examine.checking import check_examination, check_swept
from sampler.examine.messages import (
    Answer,
    Derived,
    Examined,
    MessageError,
    NotDerived,
    Swept,
    SweptBundle,
    Unusable,
    decode_answer,
    encode,
    encode_answer,
    encode_bundle,
    encode_swept,
)
from sampler.limits import MIB
from sampler.model import ContentKind, Examination, Field, PartKind, Problem, Region, RuleMatch, StringHit

SIZE: Final = 4096
"""Of the object that answers are about."""


def one_input(data: bytes) -> None:
    """It is refused by ``MessageError``, or it is an answer that keeps to every ceiling."""
    try:
        answer = _believed(data)
    except MessageError:
        return
    match answer:
        case Unusable():
            assert decode_answer(encode(answer)) == answer
        case Swept():
            judge_swept(answer, 2**64)
        case SweptBundle():
            for swept in answer.swept:
                judge_swept(swept, 2**64)
        case Examined():
            judge(answer.examination, SIZE)
        case Derived() | NotDerived():
            assert encode(answer)


def _believed(data: bytes) -> Answer:
    """As the parent decodes and checks it."""
    answer = decode_answer(data)
    if isinstance(answer, Swept):
        check_swept(answer)
    elif isinstance(answer, SweptBundle):
        for swept in answer.swept:
            check_swept(swept)
    elif isinstance(answer, Examined):
        check_examination(answer.examination, sha256=SHA256, size=SIZE)
    return answer


def _seeds() -> Iterator[bytes]:
    hits = (StringHit("$a", 0, 4), StringHit("$b", 4000, 96))
    meta = (("severity", "high"), ("score", 70), ("shared", True))
    match = RuleMatch("rule_name", "folder/file.yar", ("tag",), meta, hits, 2)
    fields = (
        Field("file.mime_type", "text/plain"),
        Field("sampler.file.entropy", 7.25),
        Field("file.pe.sections", (".text", ".data")),
        Field("file.elf.header.entrypoint", 4096),
    )
    regions = tuple(Region(kind, "name", 16, 64) for kind in PartKind)
    problems = (Problem("scan", "scan-timeout", "the rules did not end"),)
    yield encode_answer(Examination(SHA256, ContentKind.OTHER, "text/plain", "sha256:0", (match,), regions, fields))
    yield encode_answer(Examination(SHA256, ContentKind.EMPTY, "application/x-empty", "", problems=problems))
    yield encode_swept(Swept(SHA256, SIZE, "text/plain", (match,), problems))
    yield encode_bundle((Swept(SHA256, SIZE, "text/plain", (match,), problems), Swept(SHA256, 0, "text/plain", (), ())))
    yield encode(Unusable("no rule is left"))


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\xa4type", b"\xa8examined", b"\xa5swept", b"\xa6bundle",
        b"\xa8unusable", b"\xabexamination", b"\xa6sha256", b"\xa7matches",
        b"\xa4hits", b"\xa7regions", b"\xa6fields", b"\xa8problems", b"\xa6offset", b"\xa6length",
        b"\xcf\xff\xff\xff\xff\xff\xff", b"\xd3\x80\0\0\0\0\0\0\0",
        b"\xcb\x7f\xf0\0\0\0\0\0\0", b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc0", b"file.path", b"file.pe.",
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
