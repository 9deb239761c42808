"""Whether a content's bytes travel compressed, by zstd (RFC 8878), and compressing them.

It pays on a line that is slower than compressing is, for bytes that become fewer by it: those of formats that are
packed already do not, and of the others a sample tells. The queue says by ``Accept-Encoding`` in its answers (RFC 9110,
section 12.5.3) whether it takes such bodies; one that never said so gets none.
"""

from __future__ import annotations

from typing import Final

import zstandard

from sampler.limits import CODED_CHUNK_MAX_BYTES, KIB, MIB
from sampler.upload.answers import Answer

CODING: Final = "zstd"

_LEVEL: Final = 3
_SAMPLE_BYTES: Final = 64 * KIB
_PAYS_BELOW: Final = 0.85
"""Packed size to plain size of what is worth the work at both ends."""
_SLOW_BYTES_PER_SECOND: Final = 100 * MIB
_MEASURED_FROM_BYTES: Final = 256 * KIB
"""What travels in a moment says nothing about the line."""
_PACKED: Final = (
    b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18", b"MSCF", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b"wOF2",
)  # fmt: skip
"""How zip (jar, ooxml), gzip, bzip2, xz, 7z, rar, zstd, lz4, cab, png, jpeg, gif, ogg, mp3, matroska, woff2 begin."""


class Packing:
    """What is known of one queue and of the line to it."""

    def __init__(self, *, wanted: bool = True, line_bytes_per_second: float | None = None) -> None:
        """``wanted`` is the operator's word; the line is measured where its speed is not given."""
        self._wanted = wanted
        self._taken = False
        self._given = line_bytes_per_second
        self._line = line_bytes_per_second

    def learn(self, answer: Answer) -> None:
        """What an answer says of the codings that are taken; one that says nothing changes nothing."""
        header = answer.headers.get("accept-encoding")
        if header is not None:
            self._taken = CODING in (each.partition(";")[0].strip().lower() for each in header.split(","))

    def measured(self, length: int, seconds: float) -> None:
        """A body of ``length`` bytes took so long, its answer included."""
        if self._given is None and length >= _MEASURED_FROM_BYTES and seconds > 0:
            self._line = length / seconds

    def pays(self, head: bytes) -> bool:
        """Whether a content that goes on with ``head`` should be compressed. Blocking: it tries on a sample."""
        slow = self._line is not None and self._line < _SLOW_BYTES_PER_SECOND
        if not (self._wanted and self._taken and slow) or not head or head.startswith(_PACKED):
            return False
        sample = head[:_SAMPLE_BYTES]
        return len(_compressed(sample)) <= _PAYS_BELOW * len(sample)


def packed(data: bytes) -> bytes | None:
    """At most ``CODED_CHUNK_MAX_BYTES`` of bytes as one frame that says their size; ``None`` when it is not worth it.

    Blocking.
    """
    assert len(data) <= CODED_CHUNK_MAX_BYTES  # what a queue takes in one body
    frame = _compressed(data)
    return frame if len(frame) <= _PAYS_BELOW * len(data) else None


def _compressed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)
