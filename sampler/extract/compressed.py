"""Files that are one compressed stream: gzip, bzip2, xz, LZMA, Zstandard. What comes out is their only member.

gzip: RFC 1952, of several members one after the other; xz: The .xz File Format 1.2; LZMA: the header of 13 bytes of
LZMA Utils; Zstandard: RFC 8878. Formats that nothing here unpacks are named.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import unpacked_within
from sampler.extract.compressed_streams import (
    DICTIONARY_MAX_BYTES,
    Decoder,
    Fault,
    Inflater,
    NotUnpacked,
    Unpacked,
    bunzip,
    chunks,
    lzma1_filter,
    unpack_stream,
    unxz,
    unzstd,
)
from sampler.extract.derivation import Step
from sampler.extract.extraction import Data, Survey
from sampler.extract.naming import printable
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import PartKind

HEADER_BYTES: Final = 512
_STREAMS_MAX_COUNT: Final = 4096
"""Streams one after the other in one file."""
_PADDING_MAX_BYTES: Final = 64 * KIB
_NAME_MAX_BYTES: Final = 1024
_LZMA_HEADER_BYTES: Final = 13
_LZMA_SIZE_MAX: Final = 2**40


@dataclass(frozen=True, slots=True)
class _Method:
    name: str
    marks: tuple[bytes, ...]
    unpack: Callable[[Data, int], Unpacked]


def survey_compressed(data: Data, survey: Survey) -> bool:
    """Add what the stream holds, and what stands behind it; ``False`` when it is none."""
    head = bytes(data[:HEADER_BYTES])
    method = next((known for known in _METHODS if head.startswith(known.marks)), None)
    return method is not None and _survey(data, survey, method, head)


def survey_lzma(data: Data, survey: Survey) -> bool:
    """The same of LZMA, which has no mark: ``False`` unless something comes out."""
    try:
        first = _un_lzma(bytes(data[: 4 * KIB]), 64 * KIB)
    except NotUnpacked as error:
        if error.code != "too-large":
            return False
    else:
        if not first.content or (first.fault and first.fault.code == "damaged"):
            return False
    return _survey(data, survey, _LZMA, bytes(data[:HEADER_BYTES]))


def looks_like_lzma(head: bytes) -> bool:
    """Whether 13 bytes can be its header: properties that encoders use, a round dictionary, a possible size."""
    if len(head) <= _LZMA_HEADER_BYTES or head[0] >= 9 * 5 * 5 or head[_LZMA_HEADER_BYTES] != 0:
        return False
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    is_round = dictionary.bit_count() in (1, 2) and dictionary >= 4 * KIB
    return is_round and (size == 2**64 - 1 or size < _LZMA_SIZE_MAX)


def looks_compressed(head: bytes) -> bool:
    """Whether it begins with a mark of one of the other formats."""
    return any(head.startswith(method.marks) for method in _METHODS)


def _survey(data: Data, survey: Survey, method: _Method, head: bytes) -> bool:
    survey.add_field("sampler.file.archive.format", method.name)
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    name = _name_of(head) if method.name == "gzip" else ""
    consumed = 0

    def unpack(room: int) -> Unpacked:
        nonlocal consumed
        made = method.unpack(data, room)
        consumed = made.consumed
        return made

    content = unpacked_within(survey, name or method.name, survey.size, unpack)
    if content is not None:
        survey.add_content(PartKind.MEMBER, name, f"{method.name}:", content)
    if 0 < consumed < survey.size:
        survey.add_problem("data-behind", f"{survey.size - consumed} bytes stand behind the stream")
        survey.add_region(PartKind.OVERLAY, "", consumed, survey.size - consumed)
        open_stretch(data, survey, "", consumed, survey.size - consumed)
    return True


def _name_of(head: bytes) -> str:
    """The file name that a gzip header carries (RFC 1952, 2.3.1); empty where it carries none."""
    flags, start = (head[3], 10) if len(head) > 10 else (0, 0)
    if not flags & 8:
        return ""
    if flags & 4:
        start += 2 + int.from_bytes(head[10:12], "little")
    raw, ended, _ = head[start : start + _NAME_MAX_BYTES].partition(b"\0")
    return printable(raw.decode("latin-1")) if ended else ""


def _streams(data: Data, ceiling: int, new_decoder: Callable[[], Decoder], mark: bytes) -> Unpacked:
    """What all streams make that stand one after the other, zeros between them apart."""
    pieces: list[bytes] = []
    offset = total = 0
    for _ in range(_STREAMS_MAX_COUNT):
        made = unpack_stream(new_decoder(), chunks(data, offset, len(data)), ceiling - total)
        pieces.append(made.content)
        total += len(made.content)
        offset += made.consumed
        if made.fault:
            return Unpacked(b"".join(pieces), made.fault, len(data))
        offset = _behind_padding(data, offset)
        if bytes(data[offset : offset + len(mark)]) != mark:
            return Unpacked(b"".join(pieces), None, offset)
    fault = Fault("too-many-members", f"only the first {_STREAMS_MAX_COUNT} streams are unpacked")
    return Unpacked(b"".join(pieces), fault, len(data))


def _behind_padding(data: Data, offset: int) -> int:
    """The offset behind zeros, if nothing but a stream or the end follows them; else the offset itself."""
    padding = bytes(data[offset : offset + _PADDING_MAX_BYTES])
    return offset + len(padding) - len(padding.lstrip(b"\0"))


def _un_gzip(data: Data, ceiling: int) -> Unpacked:
    return _streams(data, ceiling, lambda: Inflater(16 + zlib.MAX_WBITS), b"\x1f\x8b")


def _un_bzip2(data: Data, ceiling: int) -> Unpacked:
    return _streams(data, ceiling, bunzip, b"BZh")


def _un_xz(data: Data, ceiling: int) -> Unpacked:
    return _streams(data, ceiling, unxz, b"\xfd7zXZ\0")


def _un_zstd(data: Data, ceiling: int) -> Unpacked:
    return unzstd(chunks(data, 0, len(data)), ceiling)


def _un_lzma(data: Data, ceiling: int) -> Unpacked:
    """Its dictionary is cut to what may come out, so that a header allocates no more."""
    head = bytes(data[:_LZMA_HEADER_BYTES])
    dictionary = lzma1_filter(head[:5], ceiling)["dict_size"]
    patched = head[:1] + dictionary.to_bytes(4, "little") + head[5:]
    decoder = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=2 * DICTIONARY_MAX_BYTES)
    rest = chunks(data, _LZMA_HEADER_BYTES, len(data))
    made = unpack_stream(decoder, chain((patched,), rest), ceiling)
    return replace(made, consumed=len(data)) if made.fault else made


def _unknown(_data: Data, _ceiling: int) -> Unpacked:
    raise NotUnpacked("unsupported", "nothing here unpacks this format")


_METHODS: Final = (
    _Method("gzip", (b"\x1f\x8b\x08",), _un_gzip),
    _Method("bzip2", tuple(b"BZh%d1AY&SY" % level for level in range(1, 10)), _un_bzip2),
    _Method("xz", (b"\xfd7zXZ\0",), _un_xz),
    _Method("zstd", (b"\x28\xb5\x2f\xfd",), _un_zstd),
    _Method("compress", (b"\x1f\x9d",), _unknown),
    _Method("pack", (b"\x1f\x1e",), _unknown),
    _Method("lz4", (b"\x04\x22\x4d\x18",), _unknown),
    _Method("lzip", (b"LZIP\x01",), _unknown),
)
_LZMA: Final = _Method("lzma", (), _un_lzma)


def _step(method: _Method) -> Step:
    def step(data: Data, argument: str, ceiling: int) -> bytes:
        if argument:
            raise NotDerivable(f"{method.name} takes no argument")
        return method.unpack(data, ceiling).content

    return step


STEPS: Final = {method.name: _step(method) for method in (*_METHODS, _LZMA) if method.unpack is not _unknown}
"""``gzip:``, ``bzip2:``, ``xz:``, ``zstd:``, ``lzma:``; none takes an argument."""
