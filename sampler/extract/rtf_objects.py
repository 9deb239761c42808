r"""Objects of an RTF text (Rich Text Format Specification 1.9.1), decoded as Word decodes them. Never raises.

Texts are written to look broken to everyone but Word, so the reading is as lax as Word's: other groups inside the
hexadecimal digits, control words between them, ``\bin``, an odd number of digits. What other destinations hold is not
theirs. The same bytes have the same objects under the same indexes again.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sampler.extract.extraction import Data
from sampler.extract.rtf_destinations import DESTINATIONS
from sampler.limits import KIB, UNPACK_MEMBER_MAX_BYTES

TOKENS_MAX_COUNT: Final = 4_000_000
"""Braces, control words and stretches of text: a text of ordinary make has one for each ten bytes."""
OBJECTS_MAX_COUNT: Final = 512
OPEN_MAX_COUNT: Final = 4096
"""Destinations inside each other."""
NOTED_MAX_BYTES: Final = 4 * KIB
"""Text of a destination that is no object: a class, a template, a field."""
DIGITS_MAX_COUNT: Final = 2 * UNPACK_MEMBER_MAX_BYTES + 2
"""Of all objects that are open at the same time."""

OBJECT: Final = b"objdata"
NOTED: Final = frozenset({b"objclass", b"template", b"fldinst"})
"""Destinations whose text tells something."""
SWITCHES: Final = frozenset({b"objupdate", b"objautlink", b"objlink", b"objocx", b"objemb", b"objhtml"})
"""Control words that say what kind of object it is, and whether it is loaded without being clicked on."""

_TOKEN: Final = re.compile(rb"[{}]|\\(?:([a-zA-Z]{1,250})(-?\d{1,250})?|(.)|$)|[^{}\\]{1,65536}", re.DOTALL)
_NO_DIGITS: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_WHITE: Final = b" \t\r\n\f\v"


@dataclass(frozen=True, slots=True)
class Text:
    """What one destination held, in the order in which they end."""

    word: bytes
    """``objdata``, whose content is decoded, or one of ``NOTED``."""
    content: bytes
    index: int = 0
    """Of an object: what the step ``rtf:INDEX`` names."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A control word that tells something."""

    word: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """Why reading ended before the text did."""

    code: str
    detail: str


@dataclass(slots=True)
class _Destination:
    word: bytes
    level: int
    content: bytearray = field(default_factory=bytearray)


class RtfReader:
    """One pass over a text."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._position = 0
        self._level = 0
        self._open = [_Destination(b"", 0)]
        self._digits = 0
        self._objects = 0

    def __iter__(self) -> Iterator[Text | Switch | Stop]:
        size = len(self._data)
        for _ in range(TOKENS_MAX_COUNT):
            if self._position >= size:
                break
            yield from self._step()
            stop = self._stop()
            if stop:
                yield stop
                return
        else:
            yield Stop("too-long", f"only the first {self._position} bytes of {size} are read")
        while len(self._open) > 1:
            yield from self._close()

    def _stop(self) -> Stop | None:
        if self._objects > OBJECTS_MAX_COUNT:
            return Stop("too-many-objects", f"only the first {OBJECTS_MAX_COUNT} are read")
        if self._digits > DIGITS_MAX_COUNT:
            return Stop("too-large", f"objects of more than {UNPACK_MEMBER_MAX_BYTES} bytes")
        if len(self._open) > OPEN_MAX_COUNT:
            return Stop("too-deep", f"more than {OPEN_MAX_COUNT} destinations inside each other")
        return None

    def _step(self) -> Iterator[Text | Switch]:
        token = _TOKEN.match(self._data, self._position)
        assert token is not None  # each byte begins one
        self._position = token.end()
        word, number, symbol = token.groups()
        if word is not None:
            yield from self._read_word(word, number)
        elif symbol is not None:
            self._read_symbol(symbol)
        else:
            yield from self._read_other(token[0])

    def _read_other(self, text: bytes) -> Iterator[Text]:
        if text == b"{":
            self._level += 1
        elif text == b"}":
            if self._open[-1].level == self._level:
                yield from self._close()
            self._level -= 1
        else:
            self._take(text)

    def _read_word(self, word: bytes, number: bytes | None) -> Iterator[Text | Switch]:
        if word in DESTINATIONS:
            if self._open[-1].level == self._level:
                yield from self._close()
            self._open.append(_Destination(word, self._level))
        elif word == b"bin":
            self._read_binary(number)
        elif word in SWITCHES:
            yield Switch(word)

    def _read_binary(self, number: bytes | None) -> None:
        """Bytes as they are; a length that is absent or negative is none (as Word has it)."""
        length = max(0, int(number[:10])) if number else 0
        if bytes(self._data[self._position : self._position + 1]) == b" ":
            self._position += 1
        end = min(self._position + length, len(self._data))
        if self._open[-1].word == OBJECT and 2 * (end - self._position) <= DIGITS_MAX_COUNT:
            self._take(binascii.hexlify(bytes(self._data[self._position : end])))
        self._position = end

    def _read_symbol(self, symbol: bytes) -> None:
        r"""Two further bytes belong to ``\'``; inside an object Word loses a digit that has no partner before it."""
        if symbol != b"'":
            return
        self._position += 2
        current = self._open[-1]
        if current.word == OBJECT and len(current.content) % 2:
            del current.content[-1]
            self._digits -= 1

    def _take(self, text: bytes) -> None:
        current = self._open[-1]
        if current.word == OBJECT:
            digits = text.translate(None, _NO_DIGITS)
            current.content += digits
            self._digits += len(digits)
        elif current.word in NOTED:
            current.content += text[: NOTED_MAX_BYTES - len(current.content)]

    def _close(self) -> Iterator[Text]:
        closed = self._open.pop()
        if not self._open:
            self._open.append(_Destination(b"", -1))
        if closed.word == OBJECT:
            self._digits -= len(closed.content)
            self._objects += 1
            even = len(closed.content) // 2 * 2
            yield Text(OBJECT, binascii.unhexlify(bytes(closed.content[:even])), self._objects - 1)
        elif closed.word in NOTED:
            yield Text(closed.word, bytes(closed.content).strip(_WHITE))
