"""Source of VBA modules out of its compressed containers ([MS-OVBA] 2.4.1), within a ceiling.

A container that breaks off yields what came before; none yields more than ``MODULE_MAX_BYTES``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import Fault, NotUnpacked, Unpacked
from sampler.extract.extraction import Data
from sampler.extract.ole_file import stream_named
from sampler.limits import MIB

MODULE_MAX_BYTES: Final = 4 * MIB
"""Source of one module, and the compressed bytes that it is made of."""
CONTAINERS_MAX_COUNT: Final = 64
"""Containers that are looked for in one stream."""

_SIGNATURE: Final = 0x01
_CHUNK_BYTES: Final = 4096
_ATTRIBUTE: Final = b"\0Attribut"
"""How the first chunk of a module goes on behind its header: eight literals; each module begins with an attribute."""
_STEP: Final = re.compile(r"(\d{1,6})\+(\d{1,9})", re.ASCII)


def decompress(container: bytes, ceiling: int) -> Unpacked:
    """What a compressed container holds (2.4.1.3.1).

    Args:
        container: from its signature byte on; what lies behind its last chunk is taken for a broken one.
        ceiling: bytes that may come out.

    Raises:
        NotUnpacked: ``damaged``: it has no signature byte; ``too-large``: more would come out.
    """
    if not container or container[0] != _SIGNATURE:
        raise NotUnpacked("damaged", "not a compressed container")
    pieces: list[bytes] = []
    total, position = 0, 1
    fault: Fault | None = None
    while fault is None and position < len(container):
        piece, position, fault = _decompress_chunk(container, position)
        total += len(piece)
        if total > ceiling:
            raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
        pieces.append(piece)
    return Unpacked(b"".join(pieces), fault, position)


def containers_in(content: bytes) -> Iterator[int]:
    """Offsets of compressed modules in a stream, found by how they begin."""
    position = 0
    for _ in range(CONTAINERS_MAX_COUNT):
        position = content.find(_ATTRIBUTE, position)
        if position < 0:
            return
        start = position - 3
        if start >= 0 and content[start] == _SIGNATURE and content[start + 2] & 0x70 == 0x30:
            yield start
        position += len(_ATTRIBUTE)


def module_source(content: bytes, offset: int, ceiling: int) -> Unpacked:
    """The source of a module whose container lies at an offset of its stream, as bytes of the project's code page.

    Raises:
        NotUnpacked: there is no container, or too much would come out.
    """
    return decompress(content[offset : offset + MODULE_MAX_BYTES], min(ceiling, MODULE_MAX_BYTES))


def read_module(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``vba:SID+OFFSET``: the module whose container lies at an offset of a stream.

    Raises:
        NotDerivable: there is no such stream, or no container at the offset.
    """
    parts = _STEP.fullmatch(argument)
    if parts is None:
        raise NotDerivable(f"no module {argument!r}")
    file, entry = stream_named(data, parts[1])
    return module_source(file.read(entry, ceiling).content, int(parts[2]), ceiling).content


def _decompress_chunk(container: bytes, start: int) -> tuple[bytes, int, Fault | None]:
    """One chunk (2.4.1.3.2): its bytes, where the next one begins, and why there is none."""
    if start + 2 > len(container):
        return b"", len(container), Fault("truncated", "it ends inside a chunk's header")
    (header,) = struct.unpack_from("<H", container, start)
    body, end = start + 2, start + (header & 0x0FFF) + 3
    if header & 0x7000 != 0x3000:
        return b"", start, Fault("damaged", f"no chunk begins at {start}")
    if not header & 0x8000:
        piece = container[body : body + _CHUNK_BYTES]
        short = Fault("truncated", "it ends inside a chunk") if len(piece) < _CHUNK_BYTES else None
        return piece, body + _CHUNK_BYTES, short
    made, fault = _expand(container[body:end])
    if fault is None and end > len(container):
        fault = Fault("truncated", "it ends inside a chunk")
    return bytes(made), end, fault


def _expand(packed: bytes) -> tuple[bytearray, Fault | None]:
    """Runs of a flag byte and eight tokens, each a literal or a copy (2.4.1.3.4)."""
    made = bytearray()
    position = 0
    while position < len(packed):
        flags = packed[position]
        position += 1
        for bit in range(8):
            if position >= len(packed):
                break
            if not flags >> bit & 1:
                made.append(packed[position])
                position += 1
                continue
            if not _copy(made, packed[position : position + 2]):
                return made[:_CHUNK_BYTES], Fault(
                    "damaged", f"a copy of what is not there, after {len(made)} bytes of a chunk"
                )
            position += 2
        if len(made) > _CHUNK_BYTES:
            return made[:_CHUNK_BYTES], Fault("damaged", "a chunk of more bytes than there can be")
    return made, None


def _copy(made: bytearray, token: bytes) -> bool:
    """Append the copy that a token stands for (2.4.1.3.19); ``False`` where nothing is there to be copied."""
    if not made or len(token) < 2:
        return False
    (number,) = struct.unpack("<H", token)
    length_bits = 16 - max(4, (len(made) - 1).bit_length())
    length = (number & ((1 << length_bits) - 1)) + 3
    offset = (number >> length_bits) + 1
    if offset > len(made):
        return False
    run = bytes(made[-offset:])
    made += (run * (length // offset + 1))[:length]
    return True
