"""Stream filters of PDF, alone and in chains, each making no more than it may (ISO 32000-1, 7.4).

What came out before a stream breaks is kept, and the break is said. Filters of images (``DCTDecode`` and the like) and
encryption are not undone: nothing that runs lies behind them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sampler.extract.compressed_streams import Fault, Inflater, NotUnpacked, Unpacked, chunks, unpack_stream
from sampler.extract.pdf_syntax import Value
from sampler.limits import MIB

FILTERS_MAX_COUNT: Final = 8
SLOW_MAX_BYTES: Final = 4 * MIB
"""What predictors may make: they are undone byte by byte, in half a second for this many."""
LZW_MAX_BYTES: Final = 1 * MIB
"""What LZW is given; a code of it takes a microsecond."""
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_NOT_85: Final = bytes(set(range(256)) - set(range(0x21, 0x76)) - {0x7A})
_GROUPS_OF_85: Final = re.compile(rb"z|[!-u]{1,5}")
_EIGHT_BITS: Final = 8
_LZW_CLEAR: Final = 256
_LZW_END: Final = 257
_LZW_CODES: Final = 4096
_LZW_FIRST: Final = (*(bytes([value]) for value in range(256)), b"", b"")

Parameters: TypeAlias = Mapping[str, Value]
_Filter: TypeAlias = Callable[[bytes, Parameters, int], Unpacked]


def filters_of(dictionary: Mapping[str, Value]) -> list[tuple[str, Parameters]]:
    """Filters of a stream and their parameters, in the order in which they are undone (7.3.8.2).

    Raises:
        NotUnpacked: ``unsupported``: they stand in another object, or are too many.
    """
    names = _listed(dictionary.get("Filter", dictionary.get("F")))
    parameters = _listed(dictionary.get("DecodeParms", dictionary.get("DP")))
    if len(names) > FILTERS_MAX_COUNT or not all(isinstance(name, str) for name in names):
        raise NotUnpacked("unsupported", "its filters are too many, or stand elsewhere")
    padded = [*parameters, *[None] * len(names)]
    return [(str(name), given if isinstance(given, dict) else {}) for name, given in zip(names, padded, strict=False)]


def undo_filters(packed: bytes, dictionary: Mapping[str, Value], ceiling: int) -> Unpacked:
    """What a stream's bytes are behind its filters.

    Args:
        packed: as they stand in the file.
        dictionary: the stream's.
        ceiling: bytes that may come out of each filter.

    Raises:
        NotUnpacked: ``too-large``, or ``unsupported``: a filter that is not undone.
    """
    fault: Fault | None = None
    for name, parameters in filters_of(dictionary):
        undo = _FILTERS.get(name)
        if undo is None:
            raise NotUnpacked("unsupported", f"the filter {name!r} is not undone")
        made = undo(packed, parameters, ceiling)
        packed, fault = made.content, fault or made.fault
    if len(packed) > ceiling:
        raise NotUnpacked("too-large", f"{len(packed)} bytes, at most {ceiling} are opened")
    return Unpacked(packed, fault)


def _listed(value: Value) -> list[Value]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _inflate(packed: bytes, parameters: Parameters, ceiling: int) -> Unpacked:
    made = unpack_stream(Inflater(zlib.MAX_WBITS), chunks(packed, 0, len(packed)), ceiling)
    if made.fault and not made.content:
        headless = unpack_stream(Inflater(), chunks(packed, 2, len(packed)), ceiling)
        made = Unpacked(headless.content, made.fault)
    return _unpredicted(made, parameters)


def _unhex(packed: bytes, _parameters: Parameters, _ceiling: int) -> Unpacked:
    """7.4.2."""
    digits = packed.partition(b">")[0].translate(None, _NOT_HEX)
    return Unpacked(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")))


def _un85(packed: bytes, _parameters: Parameters, ceiling: int) -> Unpacked:
    """7.4.3; ``z`` makes four bytes of one."""
    text = packed.partition(b"~>")[0].removeprefix(b"<~")[:SLOW_MAX_BYTES].translate(None, _NOT_85)
    if text.count(b"z") * 4 + len(text) > ceiling:
        raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
    return Unpacked(b"".join(_four_of(group[0]) for group in _GROUPS_OF_85.finditer(text)))


def _four_of(group: bytes) -> bytes:
    if group == b"z":
        return bytes(4)
    number = 0
    for digit in group.ljust(5, b"u"):
        number = number * 85 + digit - 0x21
    return (number & 0xFFFFFFFF).to_bytes(4, "big")[: len(group) - 1]


def _unrun(packed: bytes, _parameters: Parameters, ceiling: int) -> Unpacked:
    """7.4.5."""
    pieces: list[bytes] = []
    position = total = 0
    while position < len(packed) and packed[position] != 128:
        length = packed[position]
        literal = length < 128
        piece = packed[position + 1 : position + 2 + length] if literal else packed[position + 1 :][:1] * (257 - length)
        position += 2 + length if literal else 2
        total += len(piece)
        if total > ceiling:
            raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
        pieces.append(piece)
    return Unpacked(b"".join(pieces))


def _unlzw(packed: bytes, parameters: Parameters, ceiling: int) -> Unpacked:
    made = _Lzw(packed[:LZW_MAX_BYTES], early=parameters.get("EarlyChange") != 0).run(ceiling)
    if len(packed) > LZW_MAX_BYTES:
        made = Unpacked(made.content, Fault("truncated", f"only {LZW_MAX_BYTES} bytes of LZW are read"))
    return _unpredicted(made, parameters)


class _Lzw:
    """7.4.4: codes of 9 to 12 bits, 256 clears the table, 257 ends the data."""

    def __init__(self, packed: bytes, *, early: bool) -> None:
        self._packed = packed
        self._early = int(early)
        self._position = 0
        self._clear()

    def run(self, ceiling: int) -> Unpacked:
        pieces: list[bytes] = []
        total = 0
        while (code := self._code()) != _LZW_END:
            if code == _LZW_CLEAR:
                self._clear()
                continue
            entry = self._entry(code)
            if not entry:
                return Unpacked(b"".join(pieces), Fault("damaged", f"no code of LZW, after {total} bytes"))
            pieces.append(entry)
            total += len(entry)
            if total > ceiling:
                raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
        return Unpacked(b"".join(pieces))

    def _clear(self) -> None:
        self._table = list(_LZW_FIRST)
        self._width = 9
        self._previous = b""

    def _code(self) -> int:
        """The next code; the end's where there are no bits left."""
        if self._position + self._width > 8 * len(self._packed):
            return _LZW_END
        first, spare = divmod(self._position, 8)
        self._position += self._width
        window = int.from_bytes(self._packed[first : first + 3].ljust(3, b"\0"), "big")
        return window >> (24 - self._width - spare) & (1 << self._width) - 1

    def _entry(self, code: int) -> bytes:
        """What a code stands for, which also makes the next code; nothing for a code that cannot be."""
        table, previous = self._table, self._previous
        entry = table[code] if code < len(table) else (previous + previous[:1]) * (code == len(table))
        if previous and entry and len(table) < _LZW_CODES:
            table.append(previous + entry[:1])
        self._previous = entry
        self._width = min(12, max(9, (len(table) + self._early).bit_length()))
        return entry


def _unpredicted(made: Unpacked, parameters: Parameters) -> Unpacked:
    """7.4.4.4: differences to the pixel before (TIFF) or to the row above (PNG) are added up again."""
    predictor = parameters.get("Predictor", 1)
    if not isinstance(predictor, int) or predictor < 2:
        return made
    pixel, row = _geometry(parameters)
    if len(made.content) > SLOW_MAX_BYTES:
        raise NotUnpacked("too-large", f"predictors are undone up to {SLOW_MAX_BYTES} bytes")
    undo = _untiff if predictor == 2 else _unpng
    return Unpacked(undo(made.content, pixel, row), made.fault)


def _geometry(parameters: Parameters) -> tuple[int, int]:
    """Bytes of a pixel and of a row."""
    numbers = [parameters.get(key, other) for key, other in (("Colors", 1), ("BitsPerComponent", 8), ("Columns", 1))]
    colors, bits, columns = (value if isinstance(value, int) and 0 < value <= MIB else 0 for value in numbers)
    row = (colors * bits * columns + 7) // 8
    if not 0 < row <= MIB:
        raise NotUnpacked("unsupported", "a predictor with rows that cannot be")
    if parameters.get("Predictor") == 2 and bits != _EIGHT_BITS:
        raise NotUnpacked("unsupported", "a TIFF predictor of other than eight bits")
    return max(1, colors * bits // 8), row


def _untiff(data: bytes, pixel: int, row: int) -> bytes:
    made = bytearray(data)
    for start in range(0, len(made), row):
        for index in range(start + pixel, min(start + row, len(made))):
            made[index] = (made[index] + made[index - pixel]) & 0xFF
    return bytes(made)


def _unpng(data: bytes, pixel: int, row: int) -> bytes:
    """W3C PNG 9.2; each row begins with its own predictor."""
    made = bytearray()
    above = bytearray(row)
    for start in range(0, len(data), row + 1):
        line = bytearray(data[start + 1 : start + 1 + row])
        _unpng_row(data[start], line, above, pixel)
        made += line
        above = line.ljust(row, b"\0")
    return bytes(made)


def _unpng_row(kind: int, line: bytearray, above: bytearray, pixel: int) -> None:
    if kind == 2:
        line[:] = bytes((here + up) & 0xFF for here, up in zip(line, above, strict=False))
    elif kind in (1, 3, 4):
        for index in range(len(line)):
            left = line[index - pixel] if index >= pixel else 0
            corner = above[index - pixel] if index >= pixel else 0
            added = {1: left, 3: (left + above[index]) // 2}.get(kind)
            line[index] = (line[index] + (_paeth(left, above[index], corner) if added is None else added)) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


_FILTERS: Final[Mapping[str, _Filter]] = {
    "FlateDecode": _inflate, "Fl": _inflate, "ASCIIHexDecode": _unhex, "AHx": _unhex, "ASCII85Decode": _un85,
    "A85": _un85, "LZWDecode": _unlzw, "LZW": _unlzw, "RunLengthDecode": _unrun, "RL": _unrun,
}  # fmt: skip
