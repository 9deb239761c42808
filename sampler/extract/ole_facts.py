"""What the streams of Word, Excel and their property sets say of a document, beside its text. Never raises.

Of properties only those are read that tell of programs, never those that tell of people.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sampler.extract.document_facts import DocumentFacts

RECORDS_MAX_COUNT: Final = 65_536
PROPERTIES_MAX_COUNT: Final = 256
TEXT_MAX_BYTES: Final = 4096

_ENCRYPTED: Final = frozenset({"encryptedpackage", "encryptedsummary"})
_COMPILED: Final = "_vba_project"
_COMPILED_HEADER_BYTES: Final = 7
"""All that a project without compiled forms has ([MS-OVBA] 2.3.4.1)."""

_CODE_PAGE, _APPLICATION = 1, 0x12
_SHORT, _TEXT = 2, 30

_WORD_ENCRYPTED, _WORD_TABLE_1 = 0x0100, 0x0200
_WORD_ASSOCIATED: Final = 0x019A
_DDE_FIELD: Final = re.compile(rb"\x13\x00?(?:[ \t]\x00?){0,32}d\x00?d\x00?e", re.IGNORECASE)
"""A field that begins with DDE or DDEAUTO, in a text of one or of two bytes a character ([MS-DOC] 2.8.25)."""

_BIFF_END, _BIFF_PASSWORD, _BIFF_SHEET, _BIFF_LINK = 0x0A, 0x2F, 0x85, 0x1AE
_MACRO_SHEET: Final = 1
_LINK_SEPARATOR: Final = "\x03"
_LINK_TARGET: Final = re.compile(r"(?:https?|ftp|file)://[^\x00-\x20]+|\\\\[^\x00-\x20]+", re.IGNORECASE)


def add_stream_facts(name: str, content: bytes, facts: DocumentFacts) -> None:
    """What a stream tells whose lower-case name is known; nothing where it is not."""
    reader = _READERS.get(name)
    if reader is not None:
        reader(content, facts)
    elif name in _ENCRYPTED:
        facts.features.add("encrypted")
    elif name == _COMPILED and len(content) > _COMPILED_HEADER_BYTES:
        facts.features.add("vba-compiled")


def add_summary(content: bytes, facts: DocumentFacts) -> None:
    """The creating program and the code page out of a SummaryInformation stream ([MS-OLEPS] 2.21, 2.20)."""
    start = int.from_bytes(content[44:48], "little")
    count = int.from_bytes(content[start + 4 : start + 8], "little")
    for index in range(min(count, PROPERTIES_MAX_COUNT)):
        row = content[start + 8 + 8 * index : start + 16 + 8 * index]
        if len(row) < 8:
            return
        number, offset = struct.unpack("<II", row)
        _add_property(number, content[start + offset : start + offset + TEXT_MAX_BYTES], facts)


def add_word(content: bytes, facts: DocumentFacts) -> None:
    """Encryption and fields that start programs, out of a WordDocument stream ([MS-DOC] 2.5.2)."""
    if _word_flags(content) & _WORD_ENCRYPTED:
        facts.features.add("encrypted")
    if _DDE_FIELD.search(content):
        facts.features.add("dde")


def word_table(content: bytes) -> tuple[str, int, int]:
    """The table stream of a WordDocument stream, offset and length of the texts in it that it is associated with."""
    name = "1Table" if _word_flags(content) & _WORD_TABLE_1 else "0Table"
    row = content[_WORD_ASSOCIATED : _WORD_ASSOCIATED + 8]
    offset, length = struct.unpack("<II", row) if len(row) == 8 else (0, 0)
    return name, offset, length


def add_word_template(texts: bytes, facts: DocumentFacts) -> None:
    """The attached template, second of the associated texts ([MS-DOC] 2.9.280), where it lies elsewhere."""
    position = 6
    text = ""
    for _ in range(2):
        length = 2 * int.from_bytes(texts[position : position + 2], "little")
        text = texts[position + 2 : position + 2 + min(length, TEXT_MAX_BYTES)].decode("utf-16-le", "replace")
        position += 2 + length
    if texts.startswith(b"\xff\xff"):
        facts.add_url(text, "external-template")


def add_workbook(content: bytes, facts: DocumentFacts) -> None:
    """Macro sheets, links and encryption out of a workbook's globals ([MS-XLS] 2.1.7.20.3)."""
    for number, value in _records(content):
        if number == _BIFF_PASSWORD:
            facts.features.add("encrypted")
        elif number == _BIFF_SHEET and len(value) > 6 and value[5] == _MACRO_SHEET:
            facts.features.add("hidden-macro-sheet" if value[4] & 3 else "macro-sheet")
        elif number == _BIFF_LINK:
            _add_link(value, facts)
        elif number == _BIFF_END:
            return


def _add_moniker(content: bytes, facts: DocumentFacts) -> None:
    facts.add_monikers(content)


_READERS: Final[Mapping[str, Callable[[bytes, DocumentFacts], None]]] = {
    "\x05summaryinformation": add_summary,
    "workbook": add_workbook,
    "book": add_workbook,
    "\x01ole": _add_moniker,
}


def _add_property(number: int, value: bytes, facts: DocumentFacts) -> None:
    kind = int.from_bytes(value[:4], "little")
    if number == _CODE_PAGE and kind == _SHORT:
        facts.code_page = int.from_bytes(value[4:6], "little")
    elif number == _APPLICATION and kind == _TEXT:
        length = int.from_bytes(value[4:8], "little")
        facts.application = value[8 : 8 + min(length, 256)].partition(b"\0")[0].decode("utf-8", "replace")


def _word_flags(content: bytes) -> int:
    return int.from_bytes(content[10:12], "little")


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    for _ in range(RECORDS_MAX_COUNT):
        if position + 4 > len(content):
            return
        number, length = struct.unpack_from("<HH", content, position)
        yield number, content[position + 4 : position + 4 + length]
        position += 4 + length


def _add_link(value: bytes, facts: DocumentFacts) -> None:
    """A SupBook record ([MS-XLS] 2.4.271): another workbook, or data that another program hands over."""
    count = int.from_bytes(value[2:4], "little")
    if count in (0x0401, 0x3A01) or len(value) < 6:
        return
    wide = value[4] & 1
    raw = value[5 : 5 + count * (1 + wide)]
    text = raw.decode("utf-16-le", "replace") if wide else raw.decode("latin-1")
    if _LINK_SEPARATOR in text[1:] and value[:2] == b"\0\0":
        facts.features.add("dde")
    target = _LINK_TARGET.search(text)
    if target:
        facts.add_url(target[0], "external-link")
