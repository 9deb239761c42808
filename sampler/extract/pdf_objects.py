"""The objects of a PDF file, found by looking for them and not by its tables (ISO 32000-1, 7.3.10 and 7.5.7).

Readers of PDF rebuild broken tables in the same way, and a hostile file relies on it. Objects lie at an offset, or at
an index in an object stream that does. Never raises but where it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.compressed_streams import NotUnpacked, Unpacked
from sampler.extract.extraction import Data
from sampler.extract.pdf_filters import undo_filters
from sampler.extract.pdf_syntax import Reading, Value, read_value
from sampler.limits import MIB

OBJECTS_MAX_COUNT: Final = 20_000
"""Objects that are read, those in object streams among them."""
KEYWORDS_MAX_COUNT: Final = 200_000
"""Words that look like the beginning of an object."""
TOKENS_TOTAL_MAX_COUNT: Final = 2_000_000
PACKED_MAX_BYTES: Final = 32 * MIB
"""A stream as it stands in the file."""
_HEADER: Final = re.compile(rb"(?<![0-9])([0-9]{1,10})[\0\t\n\f\r ]{1,16}([0-9]{1,5})[\0\t\n\f\r ]{0,16}\Z")
_KEYWORD: Final = re.compile(rb"(?<!end)obj(?![A-Za-z])")
_HEADER_MAX_BYTES: Final = 48
_AFTER_STREAM: Final = re.compile(rb"[\0\t\n\f\r ]{0,16}endstream")
_END_STREAM: Final = re.compile(rb"\r?\n?endstream|endobj")
_LINE_END: Final = re.compile(rb"\r?\n|\r")


@dataclass(frozen=True, slots=True)
class PdfObject:
    """One object, one of its versions."""

    number: int
    offset: int
    """Of its number in the file; of the object stream that it lies in, if it lies in one."""
    end: int
    """Behind its ``endobj``, or what was read of it; in an object stream, within what that makes."""
    value: Value
    names: tuple[str, ...] = ()
    escaped_names: int = 0
    stream: tuple[int, int] | None = None
    """Offset and length of its stream's bytes in the file."""
    index: int | None = None
    """In an object stream."""
    start: int = 0
    """In an object stream: where it begins in what that makes."""

    @property
    def dictionary(self) -> dict[str, Value]:
        """Its value if that is a dictionary; an empty one if not."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def place(self) -> str:
        """How recipe steps call it."""
        return str(self.offset) if self.index is None else f"{self.offset}/{self.index}"


def scan_objects(data: Data) -> Iterator[PdfObject]:
    """All objects at offsets of their own, in the order in which they lie; what a stream holds is passed over."""
    position, tokens = 0, 0
    for _ in range(KEYWORDS_MAX_COUNT):
        keyword = _KEYWORD.search(data, position)
        if keyword is None or tokens > TOKENS_TOTAL_MAX_COUNT:
            return
        position = keyword.end()
        found = _object_before(data, keyword.start())
        if found is not None:
            tokens += len(found.names) + 1
            position = max(position, found.end)
            yield found


def object_at(data: Data, offset: int) -> PdfObject | None:
    """The object whose number stands at ``offset``."""
    keyword = _KEYWORD.search(data, offset, offset + _HEADER_MAX_BYTES)
    found = _object_before(data, keyword.start()) if keyword else None
    return found if found is not None and found.offset == offset else None


def packed_bytes(found: PdfObject) -> int:
    """Length of its stream as it stands in the file."""
    return found.stream[1] if found.stream else 0


def stream_of(data: Data, found: PdfObject, ceiling: int) -> Unpacked:
    """What an object's stream is behind its filters.

    Raises:
        NotUnpacked: it has none; or as ``undo_filters`` does.
    """
    if found.stream is None:
        raise NotUnpacked("damaged", f"object {found.number} has no stream")
    start, length = found.stream
    if length > PACKED_MAX_BYTES:
        raise NotUnpacked("too-large", f"{length} bytes, at most {PACKED_MAX_BYTES} are read")
    return undo_filters(bytes(data[start : start + length]), found.dictionary, ceiling)


def objects_inside(container: PdfObject, content: bytes) -> Iterator[PdfObject]:
    """The objects of an object stream whose decoded bytes are ``content`` (7.5.7)."""
    first, count = container.dictionary.get("First"), container.dictionary.get("N")
    if not (isinstance(first, int) and isinstance(count, int)):
        return
    head = content[: max(0, first)].split(maxsplit=2 * OBJECTS_MAX_COUNT)
    rows = [int(word) for word in head[: 2 * max(0, count)] if word.isdigit() and len(word) < 12]
    for index, (number, start) in enumerate(zip(rows[::2], rows[1::2], strict=False)):
        if first + start < len(content):
            reading = read_value(content, first + start, single=True)
            yield PdfObject(
                number, container.offset, reading.end, reading.value, tuple(reading.names), reading.escaped_names,
                index=index, start=first + start,
            )  # fmt: skip


def newest(objects: Iterable[PdfObject]) -> dict[int, PdfObject]:
    """The version of each number that stands last: updates are appended (7.5.6)."""
    return {found.number: found for found in objects}


def _object_before(data: Data, keyword: int) -> PdfObject | None:
    """The object whose keyword ``obj`` stands at an offset."""
    start = max(0, keyword - _HEADER_MAX_BYTES)
    header = _HEADER.search(bytes(data[start:keyword]))
    if header is None:
        return None
    reading = read_value(data, keyword + len(b"obj"))
    stream = _stream_behind(data, reading) if reading.stop == b"stream" else None
    end = stream[0] + stream[1] if stream else _without_next(data, reading)
    return PdfObject(
        int(header[1]), start + header.start(), end, reading.value, tuple(reading.names), reading.escaped_names, stream
    )


def _without_next(data: Data, reading: Reading) -> int:
    """The end of an object without a stream; where the next object's keyword ended it, that one is not swallowed."""
    if reading.stop in (b"obj", b"xref", b"trailer", b"startxref"):
        start = max(0, reading.end - len(reading.stop) - _HEADER_MAX_BYTES)
        text = bytes(data[start : reading.end - len(reading.stop)])
        header = _HEADER.search(text) if reading.stop == b"obj" else None
        return start + (header.start() if header else len(text))
    return reading.end


def _stream_behind(data: Data, reading: Reading) -> tuple[int, int]:
    """Offset and length of a stream behind its keyword (7.3.8.1).

    ``Length`` is believed where ``endstream`` follows; else, and where it stands in another object, the next
    ``endstream`` or ``endobj`` ends it, or the file does.
    """
    line_end = _LINE_END.match(data, reading.end)
    start = line_end.end() if line_end else reading.end
    value = reading.value
    length = value.get("Length") if isinstance(value, dict) else None
    if isinstance(length, int) and 0 <= length <= len(data) - start and _AFTER_STREAM.match(data, start + length):
        return start, length
    end = _END_STREAM.search(data, start)
    return start, (end.start() if end else len(data)) - start
