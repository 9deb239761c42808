"""Single compressed streams; the first byte says under which mark the rest stands."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator
from typing import Final

import zstandard

from fuzz.documents import judge_document
from fuzz.target import Target

_MARKS: Final = (b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x5d\0\0\x80\0", b"\x1f\x9d")
_TEXT: Final = b"a harmless line\n" * 20


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    if data:
        judge_document(_MARKS[data[0] % len(_MARKS)] + data[1:])


def _seeds() -> Iterator[bytes]:
    alone = lzma.compress(_TEXT, lzma.FORMAT_ALONE)
    packed = (
        gzip.compress(_TEXT, mtime=0),
        bz2.compress(_TEXT),
        lzma.compress(_TEXT),
        zstandard.compress(_TEXT),
        alone,
    )
    for number, content in enumerate(packed):
        mark = len(_MARKS[number])
        yield bytes([number]) + content[mark:]
        yield bytes([number]) + content[mark:] + content


TARGET: Final = Target(one_input, _seeds, tokens=(*_MARKS, b"\x08\x08", b"\x50\x2a\x4d\x18"))
