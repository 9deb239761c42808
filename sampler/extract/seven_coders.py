"""What the folders of a 7z archive are compressed with, one coder after the other (Methods.txt of the LZMA SDK).

LZMA, LZMA2, Deflate, BZip2, Zstandard and plain copies, behind branch filters and delta. Coders with several streams
(BCJ2), PPMd and Deflate64 are named and not undone.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sampler.extract.compressed_streams import (
    Copier,
    Decoder,
    Inflater,
    NotUnpacked,
    Unpacked,
    bunzip,
    lzma1_filter,
    raw_lzma,
    undo_filter,
    unpack_stream,
    unzstd,
)
from sampler.extract.seven_encryption import AES_METHOD, decrypted
from sampler.extract.seven_headers import Coder
from sampler.limits import KIB

_COPY, _LZMA1, _LZMA2, _DELTA = b"\0", b"\x03\x01\x01", b"\x21", b"\x03"
_DEFLATE, _BZIP2, _ZSTD = b"\x04\x01\x08", b"\x04\x02\x02", b"\x04\xf7\x11\x01"
_BRANCHES: Final[Mapping[bytes, int]] = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86, b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC, b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64, b"\x06": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM, b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB, b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC, b"\x09": lzma.FILTER_SPARC,
}  # fmt: skip
_NAMES: Final[Mapping[bytes, str]] = {
    b"\x03\x03\x01\x1b": "BCJ2", b"\x03\x04\x01": "PPMd", b"\x04\x01\x09": "Deflate64", b"\x0a": "ARM64",
}  # fmt: skip


def undo(coder: Coder, packed: Iterable[bytes], size: int, ceiling: int, password: str | None) -> Unpacked:
    """The first ``size`` bytes that one coder makes.

    Raises:
        NotUnpacked: nothing here undoes it, or more than ``ceiling`` bytes would come out.
    """
    if size > ceiling:
        raise NotUnpacked("too-large", f"{size} bytes, at most {ceiling} are unpacked")
    if coder.method == AES_METHOD:
        return unpack_stream(Copier(), decrypted(coder.properties, packed, password), ceiling, size)
    if coder.method == _LZMA1:
        return unpack_stream(raw_lzma([lzma1_filter(coder.properties, ceiling)]), packed, ceiling, size)
    if coder.method == _LZMA2:
        return unpack_stream(raw_lzma([_lzma2_filter(coder.properties, ceiling)]), packed, ceiling, size)
    if coder.method == _ZSTD:
        return unzstd(packed, ceiling)
    if coder.method in _BRANCHES or coder.method == _DELTA:
        return undo_filter(_filter_of(coder), packed, size, ceiling)
    decoders: dict[bytes, Callable[[], Decoder]] = {_COPY: Copier, _DEFLATE: Inflater, _BZIP2: bunzip}
    if coder.method not in decoders:
        raise NotUnpacked("unsupported", f"nothing here undoes {method_name(coder)}")
    return unpack_stream(decoders[coder.method](), packed, ceiling, size)


def method_name(coder: Coder) -> str:
    """What people call a method, or its number."""
    return _NAMES.get(coder.method, f"method {coder.method.hex()}")


def _lzma2_filter(properties: bytes, ceiling: int) -> dict[str, int]:
    if len(properties) != 1 or properties[0] > 40:
        raise NotUnpacked("damaged", "not the properties of LZMA2")
    claimed = (2 | properties[0] & 1) << properties[0] // 2 + 11
    return {"id": lzma.FILTER_LZMA2, "dict_size": max(4 * KIB, min(claimed, ceiling + 4 * KIB))}


def _filter_of(coder: Coder) -> dict[str, int]:
    if coder.method == _DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": 1 + (coder.properties[0] if coder.properties else 0)}
    return {"id": _BRANCHES[coder.method]}
