"""Tape archives: headers are given the checksum that they would need, so that what stands behind it is reached."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.target import Target
from sampler.limits import KIB

_BLOCK: Final = 512


def one_input(data: bytes) -> None:
    """Never an exception; every member lies inside."""
    judge_document(_checked(data))


def _checked(data: bytes) -> bytes:
    """The first byte says, a bit each, which of the first eight blocks are headers."""
    if len(data) <= _BLOCK:
        return data
    which, made = data[0], bytearray(data[1:])
    for number in range(min(8, len(made) // _BLOCK)):
        if which >> number & 1:
            start = number * _BLOCK
            made[start + 148 : start + 156] = b" " * 8
            made[start + 148 : start + 156] = b"%06o\0 " % sum(made[start : start + _BLOCK])
    return bytes(made)


def _seeds() -> Iterator[bytes]:
    for layout in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=layout) as writer:
            for name in ("a.txt", "ü/" * 40 + "b"):
                info = tarfile.TarInfo(name)
                info.size = 9
                writer.addfile(info, io.BytesIO(b"harmless\n"))
        yield b"\x01" + made.getvalue()


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"ustar\0", b"ustar  \0", b"././@LongLink", b"30 path=", b"20 size=", b"22 GNU.sparse.major=1\n", b"\x80\0\0\0",
        b"\xff" * 12, b"77777777777\0", b"../", b"x", b"g", b"L", b"K", b"S",
    ),
    max_bytes=16 * KIB,
)  # fmt: skip
