"""Bodies that come compressed by zstd (RFC 8878), decoded within ceilings that hold whatever their frames claim.

Such a body is one frame that says how many bytes it has, at most ``CODED_CHUNK_MAX_BYTES``; more than it said, or
fewer, is refused. It is decoded before anything of it is kept, so it counts whole or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import zstandard
from aiohttp import web

from sampler.limits import CODED_BODIES_MAX_COUNT, CODED_CHUNK_MAX_BYTES, COPY_CHUNK_BYTES
from sampler.runtime.blocking import off_loop
from sampler.server.bodies import chunks
from sampler.server.problems import Refused

CODING: Final = "zstd"
ACCEPTED: Final = {"Accept-Encoding": CODING}
"""In an answer it says what bodies may be coded with (RFC 9110, section 12.5.3)."""
_ONLY_PLAIN: Final = {"Accept-Encoding": "identity"}


class CodedBodies:
    """Those of one server: a bounded number at once."""

    def __init__(self, *, most: int = CODED_BODIES_MAX_COUNT) -> None:
        self._left = most

    async def chunks(self, request: web.Request, max_bytes: int) -> AsyncIterator[bytes]:
        """The decoded body in pieces of ``COPY_CHUNK_BYTES``, the last one shorter; none before all of it has come.

        Raises:
            Refused: 413 it has more than ``max_bytes``, 415 too many at once, 408 too slow, 400 broken off or no zstd.
        """
        if not self._left:
            raise Refused(415, "content-encoding", "too many compressed bodies at once; send it as it is", _ONLY_PLAIN)
        self._left -= 1
        try:
            coded = b"".join([data async for data in chunks(request, CODED_CHUNK_MAX_BYTES)])
            data = await off_loop(_decoded, coded, _size(coded, min(max_bytes, CODED_CHUNK_MAX_BYTES)))
            for start in range(0, len(data), COPY_CHUNK_BYTES):
                yield data[start : start + COPY_CHUNK_BYTES]
        finally:
            self._left += 1


def is_coded(request: web.Request) -> bool:
    """Whether a body says that it is compressed in the way that is taken."""
    return request.headers.get("Content-Encoding", "").strip().lower() == CODING


def _size(coded: bytes, most: int) -> int:
    """What the frame says that it decodes to (RFC 8878, section 3.1.1.1.4)."""
    try:
        size = zstandard.frame_content_size(coded)
    except zstandard.ZstdError as error:
        raise Refused(400, "broken-coding", f"the body is no zstd frame: {error}") from error
    if size < 0:
        raise Refused(400, "broken-coding", "the zstd frame does not say how many bytes it has")
    if size > most:
        raise Refused(413, "too-large", f"the body decodes to {size} bytes; there is room for {most}, and no more")
    return size


def _decoded(coded: bytes, size: int) -> bytes:
    """Blocking; never more than one byte beyond ``size`` is decoded."""
    decoder = zstandard.ZstdDecompressor(max_window_size=CODED_CHUNK_MAX_BYTES)
    data = bytearray()
    try:
        with decoder.stream_reader(coded, read_across_frames=True) as reader:
            while len(data) <= size and (piece := reader.read(min(COPY_CHUNK_BYTES, size + 1 - len(data)))):
                data += piece
    except zstandard.ZstdError as error:
        raise Refused(400, "broken-coding", f"the body is no zstd: {error}") from error
    if len(data) != size:
        raise Refused(400, "broken-coding", f"the body does not decode to the {size} bytes that its frame announces")
    return bytes(data)
