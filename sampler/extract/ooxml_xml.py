"""Elements of the small XML files in an Office package, in their order. Never raises, expands nothing, stops at DTDs.

Expat is told the encoding, so that it never asks Python for another codec: a sandboxed child can load none.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from sampler.limits import MIB

XML_MAX_BYTES: Final = 16 * MIB
ELEMENTS_MAX_COUNT: Final = 1_000_000

Element = Callable[[str, dict[str, str]], None]
"""Told the local name of an element and its attributes by their local names."""

_CHUNK_BYTES: Final = 1 * MIB
_MARKS: Final = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))
_CODECS: Final = tuple(codecs.lookup(name) for _, name in _MARKS)
"""Loaded with this module."""


class _Enough(Exception):
    """No more of the document is wanted."""


def read_elements(content: bytes, element: Element, text: Callable[[str], None] | None = None) -> bool:
    """Tell ``element`` of each start tag and ``text`` of each run of characters; whether the document was read whole.

    A document that is larger than ``XML_MAX_BYTES``, has a document type, or is not well-formed, is read up to there.
    """
    left = ELEMENTS_MAX_COUNT

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Enough
        element(_local(name), {_local(key): value for key, value in attributes.items()})

    def refused(*_doctype: object) -> None:
        raise _Enough

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = started
    parser.StartDoctypeDeclHandler = refused
    parser.buffer_text = True
    if text is not None:
        parser.CharacterDataHandler = text
    return _parse(parser, as_utf8(content[:XML_MAX_BYTES])) and len(content) <= XML_MAX_BYTES


def as_utf8(content: bytes) -> bytes:
    """XML in UTF-8 without a mark, whatever mark it begins with."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace")
    return content


def _parse(parser: expat.XMLParserType, content: bytes) -> bool:
    try:
        for start in range(0, len(content), _CHUNK_BYTES):
            parser.Parse(content[start : start + _CHUNK_BYTES], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, _Enough):
        return False
    return True


def _local(name: str) -> str:
    return name.rpartition(":")[2]
