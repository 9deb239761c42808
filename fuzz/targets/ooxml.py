"""Office packages: whole ones, and the XML of their members put into a sound one.

The first byte of an input says which member the rest is, or that the input is the package itself.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target

MEMBERS: Final = (
    "[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/document.xml", "docProps/app.xml",
    "xl/externalLinks/externalLink1.xml", "xl/workbook.xml", "word/vbaProject.bin", "xl/macrosheets/sheet1.xml",
)  # fmt: skip
_WHICH: Final = 0x80
"""First bytes from here on choose a member."""


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    if not data or data[0] < _WHICH:
        judge_document(data[1:])
    else:
        judge_document(_package(MEMBERS[(data[0] - _WHICH) % len(MEMBERS)], data[1:]))


def _package(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for member in dict.fromkeys((MEMBERS[0], name)):
            opened.writestr(member, content if member == name else b"<Types/>")
    return made.getvalue()


def _seeds() -> Iterator[bytes]:
    for content in samples(b"PK\x03\x04"):
        yield b"\0" + content
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            for index, name in enumerate(MEMBERS):
                if name in opened.namelist():
                    yield bytes([_WHICH + index]) + opened.read(name)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'TargetMode="External"', b"<Relationship ", b"attachedTemplate", b"oleObject", b"<instrText>",
        b"<fldSimple instr='",
        b"<ddeLink/>", b"<!DOCTYPE", b"<!ENTITY", b"<Application>", b"veryHidden", b"\xff\xfe<\0", b"\xfe\xff\0<",
        b"PK\x01\x02", b"PK\x05\x06", b"http://", b"<?xml version='1.0' encoding='utf-7'?>",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
