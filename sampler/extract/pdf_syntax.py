"""Values of PDF's syntax, read from an offset (ISO 32000-1, 7.2 and 7.3). Never raises for hostile bytes.

One loop with a stack of its own, ceilings on tokens, depth and length, and atomic patterns: the time that reading takes
grows with what is read and not faster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from sampler.extract.extraction import Data
from sampler.limits import MIB

VALUE_MAX_BYTES: Final = 1 * MIB
"""The text of one object, a stream's bytes apart."""
TOKENS_MAX_COUNT: Final = 50_000
"""In one object."""
DEPTH_MAX_COUNT: Final = 32
PARENTHESES_MAX_COUNT: Final = 100_000
"""In one string; what follows is no part of it."""

_SPACE: Final = rb"\0\t\n\f\r "
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    rb"(?:[" + _SPACE + rb"]++|%[^\r\n]*+)*+"
    rb"(?:(?P<open><<|\[)|(?P<close>>>|\])|/(?P<name>" + _REGULAR + rb"*+)|(?P<string>\()"
    rb"|<(?P<hex>[^<>]*+)>?|(?P<word>" + _REGULAR + rb"++)|(?P<other>.))",
    re.DOTALL,
)  # fmt: skip
_STRING_PIECE: Final = re.compile(rb"[^()\\]*+(?:\\.[^()\\]*+)*+", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n?|\n)|(.))", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_HEX_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_INTEGER: Final = re.compile(rb"[+-]?[0-9]{1,15}")
_CONSTANTS: Final = {b"true": True, b"false": False, b"null": None}
_STOPS: Final = frozenset({b"endobj", b"stream", b"obj", b"endstream", b"xref", b"trailer", b"startxref"})


class Name(str):
    """A name without its slash, its ``#xx`` escapes undone; a letter is a byte."""

    __slots__ = ()


class Ref(NamedTuple):
    """An indirect reference: ``12 0 R``."""

    number: int
    generation: int


Value: TypeAlias = "str | Ref | bytes | int | float | bool | list[Value] | dict[str, Value] | None"


@dataclass(slots=True)
class Reading:
    """What stands at an offset, up to a keyword that ends an object."""

    values: list[Value]
    end: int
    """Behind the last token that was read."""
    stop: bytes = b""
    """The keyword that ended it; empty where nothing or a ceiling did."""
    names: list[str] = field(default_factory=list)
    """Every name in it, keys among them."""
    escaped_names: int = 0
    """How many of them were written with escapes where none was needed."""

    @property
    def value(self) -> Value:
        """The object itself; ``None`` where there is none."""
        return self.values[0] if self.values else None


def read_value(data: Data, offset: int, *, single: bool = False) -> Reading:
    """The value at ``offset``, as far as ``VALUE_MAX_BYTES`` go; with ``single`` only the first, whatever follows."""
    reader = _Reader(data, offset, min(len(data), offset + VALUE_MAX_BYTES))
    reader.run(single=single)
    return reader.reading


class _Reader:
    def __init__(self, data: Data, offset: int, end: int) -> None:
        self._data = data
        self._end = end
        self._open: list[tuple[bytes, list[Value]]] = []
        """Containers that are not closed yet, with what stood before each."""
        self._values: list[Value] = []
        self.reading = Reading(self._values, offset)

    def run(self, *, single: bool) -> None:
        for _ in range(TOKENS_MAX_COUNT):
            token = _TOKEN.match(self._data, self.reading.end, self._end)
            if token is None or not self._take(token):
                break
            if single and not self._open and len(self._values) > 0:
                break
        while self._open:
            self._close()
        self.reading.values = self._values

    def _take(self, token: re.Match[bytes]) -> bool:
        """Whether to go on."""
        kind = token.lastgroup
        if kind == "open" and len(self._open) >= DEPTH_MAX_COUNT:
            return False
        if kind == "word" and token["word"] in _STOPS:
            self.reading.stop = token["word"]
            self.reading.end = token.end()
            return False
        self.reading.end = token.end()
        if kind == "open":
            self._open.append((token["open"], self._values))
            self._values = []
        elif kind == "close":
            return self._close()
        elif kind == "string":
            self._values.append(self._string())
        elif kind == "word":
            self._word(token["word"])
        elif kind in ("name", "hex"):
            self._values.append(self._name(token["name"]) if kind == "name" else _hex(token["hex"]))
        return True

    def _close(self) -> bool:
        if not self._open:
            return False
        bracket, around = self._open.pop()
        made: Value = self._values if bracket == b"[" else _pairs(self._values)
        around.append(made)
        self._values = around
        return True

    def _word(self, word: bytes) -> None:
        if word == b"R" and len(self._values) >= 2:
            number, generation = self._values[-2:]
            if isinstance(number, int) and isinstance(generation, int):
                self._values[-2:] = [Ref(number, generation)]
        elif _INTEGER.fullmatch(word):
            self._values.append(int(word))
        elif word in _CONSTANTS:
            self._values.append(_CONSTANTS[word])

    def _name(self, raw: bytes) -> Name:
        plain = _HEX_NAME.sub(lambda escape: bytes([int(escape[1], 16)]), raw) if b"#" in raw else raw
        self.reading.escaped_names += plain != raw and plain.isalnum()
        name = Name(plain.decode("latin-1"))
        self.reading.names.append(name)
        return name

    def _string(self) -> bytes:
        """A literal string behind its first parenthesis (7.3.4.2)."""
        start = position = self.reading.end
        depth = 1
        for _ in range(PARENTHESES_MAX_COUNT):
            if not depth or position >= self._end:
                break
            piece = _STRING_PIECE.match(self._data, position, self._end)
            position = piece.end() if piece else position
            depth += {b"(": 1, b")": -1}.get(bytes(self._data[position : position + 1]), 0)
            position += 1
        self.reading.end = min(position, self._end)
        raw = bytes(self._data[start : position - (depth == 0)])
        return _ESCAPE.sub(_unescaped, raw) if b"\\" in raw else raw


def _pairs(values: list[Value]) -> dict[str, Value]:
    """A dictionary of what stands between its brackets; a key without a value, or a value without a key, is dropped."""
    made: dict[str, Value] = {}
    index = 0
    while index + 1 < len(values):
        key = values[index]
        if isinstance(key, Name):
            made.setdefault(key, values[index + 1])
        index += 2 if isinstance(key, Name) else 1
    return made


def _hex(raw: bytes) -> bytes:
    digits = raw.translate(None, _NOT_HEX)
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    octal, line, letter = escape.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    return b"" if line else _LETTERS.get(letter, letter)
