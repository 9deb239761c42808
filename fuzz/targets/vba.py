"""Compressed containers and dir streams of VBA projects, without the compound file around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.target import Target
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.vba import MODULE_MAX_BYTES, containers_in, decompress
from sampler.extract.vba_project import MODULES_MAX_COUNT, read_project


def one_input(data: bytes) -> None:
    """``NotUnpacked``, or bytes within the ceiling; any bytes are some project."""
    assert len(read_project(data).modules) <= MODULES_MAX_COUNT
    for offset in (0, *containers_in(data)):
        try:
            made = decompress(data[offset:], MODULE_MAX_BYTES)
        except NotUnpacked as error:
            assert error.code in ("damaged", "too-large")
        else:
            assert len(made.content) <= MODULE_MAX_BYTES
            read_project(made.content)


def _seeds() -> Iterator[bytes]:
    """The examples of [MS-OVBA] 3.2, and a dir stream of one module."""
    yield bytes.fromhex("0119b000616263646566676800696a6b6c6d6e6f70007172737475762e")
    yield bytes.fromhex(
        "012fb00023616161626364658266007061676869 6a013808616b6c00306d6e6f70067102700410727374757610777879 7a003c"
    )
    yield bytes.fromhex("0103b002614500")
    yield bytes.fromhex("030002000000e404 19000100000041 1a000100000041 31000400000008000000 2b0000000000")


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\0Attribut",
        b"\x01",
        b"\xff\xbf",
        b"\xff\x3f",
        b"\x02a\xff\x0f",
        b"\x19\0",
        b"\x1a\0",
        b"\x32\0",
        b"\x31\0",
    ),
)
