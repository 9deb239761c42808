"""Decompression that makes no more than it may: one loop for every compressed stream, whatever container it lies in.

What came out before a stream breaks is kept and the break is said; a stream that wants to make more than its ceiling
makes nothing. The same bytes and the same ceiling make the same bytes again, so that recipes can be replayed.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Final, Protocol, cast

import zstandard

from sampler.errors import NotDerivable
from sampler.extract.extraction import Data
from sampler.limits import KIB, MIB

CHUNK_BYTES: Final = 64 * KIB
"""What a decompressor is fed with at once."""
DICTIONARY_MAX_BYTES: Final = 128 * MIB
"""Window or dictionary of one stream: what the largest preset of xz and zstd's own default take, twice."""
_RAISED_ON_DAMAGE: Final = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class NotUnpacked(NotDerivable):
    """A member cannot be unpacked; ``code`` is the problem's (``too-large``, ``damaged``, ``encrypted``, …)."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an archive or a member of it that is read all the same."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of a stream."""

    content: bytes
    fault: Fault | None = None
    """Why it is not all that there should be."""
    consumed: int = 0
    """Packed bytes that it took, where the stream says where it ends."""


class Decoder(Protocol):
    """What ``bz2`` and ``lzma`` call a decompressor."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was fed and lies behind the stream's end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` further bytes."""
        ...


class Inflater:
    """``zlib`` in the same terms."""

    def __init__(self, wbits: int = -zlib.MAX_WBITS) -> None:
        """``wbits`` as ``zlib.decompressobj`` has it: raw deflate, or 31 for one member of a gzip file."""
        self._zlib = zlib.decompressobj(wbits)
        self._has_more = False

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        return not self._has_more

    @property
    def unused_data(self) -> bytes:
        """What was fed and lies behind the stream's end."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` further bytes, one at least."""
        made = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._has_more = bool(self._zlib.unconsumed_tail) or len(made) == max_length
        return made


class Copier:
    """Bytes that are not compressed, in the same terms."""

    eof = False
    unused_data = b""

    def __init__(self) -> None:
        self._waiting = b""

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        return not self._waiting

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` further bytes."""
        both = self._waiting + data
        self._waiting = both[max_length:]
        return both[:max_length]


def chunks(data: Data, offset: int, length: int) -> Iterator[bytes]:
    """A stretch of an object in pieces of ``CHUNK_BYTES``; it ends where the object does."""
    end = min(offset + length, len(data))
    for start in range(offset, end, CHUNK_BYTES):
        yield bytes(data[start : min(start + CHUNK_BYTES, end)])


_AT_ONCE_BYTES: Final = 64 * KIB
"""A decoder that meets damage keeps what the same call had made: short calls lose little, and the same every time."""


def unpack_stream(decoder: Decoder, packed: Iterable[bytes], ceiling: int, size: int | None = None) -> Unpacked:
    """What one stream makes.

    Args:
        decoder: fresh.
        packed: the stream in pieces; what lies behind its end is left alone.
        ceiling: bytes that may come out.
        size: bytes that come out, for streams that have no end of their own.

    Raises:
        NotUnpacked: ``too-large``: more than ``ceiling`` bytes would come out.
    """
    pieces: list[bytes] = []
    blocks, total, fed, hungry = iter(packed), 0, 0, True
    fault: Fault | None = None
    while not decoder.eof and (size is None or total < size):
        block = next(blocks, b"") if hungry else b""
        if hungry and not block:
            fault = Fault("truncated", f"it ends after {total} bytes, before it should")
            break
        fed += len(block)
        most = min((ceiling + 1 if size is None else min(ceiling + 1, size)) - total, _AT_ONCE_BYTES)
        try:
            piece = decoder.decompress(block, most)
        except _RAISED_ON_DAMAGE as error:
            fault = Fault("damaged", f"{error}, after {total} bytes")
            break
        total += len(piece)
        if total > ceiling:
            raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
        pieces.append(piece)
        hungry = decoder.needs_input or not piece
    return Unpacked(b"".join(pieces), fault, fed - len(decoder.unused_data))


def raw_lzma(filters: Sequence[Mapping[str, int]]) -> Decoder:
    """A decoder of a chain of LZMA filters without a header.

    Raises:
        NotUnpacked: ``unsupported``: the properties are no valid ones.
    """
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    except (lzma.LZMAError, ValueError, OverflowError) as error:
        raise NotUnpacked("unsupported", f"a chain of filters that cannot be: {error}") from error


def lzma1_filter(properties: bytes, ceiling: int) -> dict[str, int]:
    """The filter that five bytes of properties describe (LZMA specification, "LZMA decoder properties").

    No dictionary is larger than what may come out, so that five hostile bytes allocate no more than that.

    Raises:
        NotUnpacked: ``damaged``: they are no properties.
    """
    if len(properties) < 5 or properties[0] >= 9 * 5 * 5:
        raise NotUnpacked("damaged", "not the properties of LZMA")
    packed, claimed = properties[0], int.from_bytes(properties[1:5], "little")
    return {
        "id": lzma.FILTER_LZMA1,
        "lc": packed % 9,
        "lp": packed // 9 % 5,
        "pb": packed // 45,
        "dict_size": max(4 * KIB, min(claimed, ceiling + 4 * KIB)),
    }


def undo_filter(wanted: Mapping[str, int], packed: Iterable[bytes], size: int, ceiling: int) -> Unpacked:
    """The first ``size`` bytes before a branch or delta filter was put over them.

    liblzma undoes a filter only in front of LZMA, and holds its last bytes back until the stream ends: so the bytes are
    wrapped as uncompressed chunks of LZMA2, which has an end of its own.
    """
    decoder = raw_lzma([wanted, {"id": lzma.FILTER_LZMA2, "dict_size": CHUNK_BYTES}])
    return unpack_stream(decoder, _as_lzma2(packed), ceiling, size)


def _as_lzma2(packed: Iterable[bytes]) -> Iterator[bytes]:
    """xz, "LZMA2": a control byte (1 resets the dictionary, 2 does not), the size less one, the bytes; zero ends."""
    control = 1
    for block in packed:
        for start in range(0, len(block), CHUNK_BYTES):
            piece = block[start : start + CHUNK_BYTES]
            yield b"".join((bytes([control]), (len(piece) - 1).to_bytes(2, "big"), piece))
            control = 2
    yield b"\0"


def bunzip() -> Decoder:
    """A decoder of one bzip2 stream."""
    return bz2.BZ2Decompressor()


def unxz() -> Decoder:
    """A decoder of one xz stream."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY_MAX_BYTES)


class _Packed:
    """A stretch of an object as the file that ``zstandard`` reads from."""

    def __init__(self, packed: Iterable[bytes]) -> None:
        self._blocks = iter(packed)
        self._waiting = b""

    def read(self, length: int) -> bytes:
        block = self._waiting or next(self._blocks, b"")
        self._waiting = block[length:]
        return block[:length]


def unzstd(packed: Iterable[bytes], ceiling: int) -> Unpacked:
    """What all frames of a Zstandard stream make (RFC 8878).

    Raises:
        NotUnpacked: ``too-large``: more than ``ceiling`` bytes would come out.
    """
    blocks = iter(packed)
    head = next(blocks, b"")
    decoder = zstandard.ZstdDecompressor(max_window_size=DICTIONARY_MAX_BYTES)
    reader = decoder.stream_reader(
        cast("IO[bytes]", _Packed(chain((head,), blocks))), read_across_frames=True, closefd=False
    )
    pieces: list[bytes] = []
    total = 0
    fault: Fault | None = None
    try:
        while piece := reader.read(min(MIB, ceiling + 1 - total)):
            total += len(piece)
            if total > ceiling:
                raise NotUnpacked("too-large", f"more than {ceiling} bytes would come out")
            pieces.append(piece)
    except zstandard.ZstdError as error:
        fault = Fault("damaged", f"{error}, after {total} bytes")
    content = b"".join(pieces)
    return Unpacked(content, fault or _shortage(head, len(content)))


def _shortage(head: bytes, made: int) -> Fault | None:
    """A first frame that says how much it makes, and did not: the reader takes the end of its input for the end."""
    try:
        announced = zstandard.get_frame_parameters(head).content_size
    except zstandard.ZstdError:
        return None
    if announced == zstandard.CONTENTSIZE_UNKNOWN or made >= announced:
        return None
    return Fault("truncated", f"it ends after {made} bytes of {announced}")
