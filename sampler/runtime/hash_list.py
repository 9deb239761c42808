"""A compact list of SHA-256 hashes in one file, looked up in place: what of a hash tells it from others, and no more.

Hashes are spread evenly, so the first ``bucket_bits`` bits say where one lies, and need not be written down; of the
bytes behind them ``suffix_bytes`` are kept, sorted within each bucket. Looking up is a binary search in some dozens of
them. Unlike in a Bloom or fuse filter, whoever wants a file of his own to be taken for a listed one has to try about
``2 ** (bucket_bits + 8 * suffix_bytes)`` hashes for each listed one, and ``suffix_bytes`` makes that as many as wanted.

Layout, big-endian: ``2 ** bucket_bits + 1`` numbers of four bytes, where the suffixes of each bucket begin and the last
ends, counted in suffixes; then the suffixes. What ``bucket_bits`` and ``suffix_bytes`` are stands elsewhere, signed.
"""

from __future__ import annotations

import bisect
import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
BUCKET_COUNT = 64
"""Hashes of one bucket, on average at most."""
BUCKET_BITS_MAX = 24
SUFFIX_BYTES_MAX = 16
_NUMBER = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Shape:
    """How hashes lie in a list."""

    entries: int
    bucket_bits: int
    suffix_bytes: int

    def __post_init__(self) -> None:
        if not (0 <= self.bucket_bits <= BUCKET_BITS_MAX and 1 <= self.suffix_bytes <= SUFFIX_BYTES_MAX):
            raise ValueError(f"no shape of a list: {self.bucket_bits} bits, {self.suffix_bytes} bytes")
        if not 0 <= self.entries < 1 << 32:
            raise ValueError(f"a list has at most {(1 << 32) - 1} entries, not {self.entries}")

    @classmethod
    def of(cls, entries: int, suffix_bytes: int) -> Shape:
        """With buckets of ``BUCKET_COUNT`` entries or fewer on average."""
        bits = max(-(-entries // BUCKET_COUNT) - 1, 0).bit_length()
        return cls(entries, min(bits, BUCKET_BITS_MAX), suffix_bytes)

    @property
    def size(self) -> int:
        """Bytes of the whole list."""
        return self._suffixes_at + self.entries * self.suffix_bytes

    @property
    def false_positives(self) -> float:
        """How likely a file that is not listed is taken for one: a share of 1; a little less where it is high."""
        return self.entries / 2.0 ** (self.bucket_bits + 8 * self.suffix_bytes)

    @property
    def _suffixes_at(self) -> int:
        return ((1 << self.bucket_bits) + 1) * _NUMBER.size

    def split(self, digest: bytes) -> tuple[int, bytes]:
        """Of a hash the bucket, and what is kept of it."""
        number = int.from_bytes(digest, "big")
        rest = 8 * HASH_BYTES - self.bucket_bits
        kept = (number & ((1 << rest) - 1)) >> (rest - 8 * self.suffix_bytes)
        return number >> rest, kept.to_bytes(self.suffix_bytes, "big")


def build(digests: Sequence[bytes], suffix_bytes: int) -> tuple[Shape, Iterator[bytes]]:
    """A list of these hashes, in pieces.

    Args:
        digests: 32 bytes each, sorted, each once.
        suffix_bytes: what is kept of each.

    Raises:
        ValueError: they are not sorted, or one is no SHA-256.
    """
    for before, after in itertools.pairwise(digests):
        if before >= after:
            raise ValueError("hashes of a list are sorted, and each is there once")
    if any(len(digest) != HASH_BYTES for digest in digests):
        raise ValueError(f"a SHA-256 has {HASH_BYTES} bytes")
    shape = Shape.of(len(digests), suffix_bytes)
    return shape, _pieces(shape, digests)


def _pieces(shape: Shape, digests: Sequence[bytes]) -> Iterator[bytes]:
    rest = 8 * HASH_BYTES - shape.bucket_bits
    bounds = (bucket << rest for bucket in range(1 << shape.bucket_bits))
    for bound in bounds:
        yield _NUMBER.pack(bisect.bisect_left(digests, bound.to_bytes(HASH_BYTES, "big")))
    yield _NUMBER.pack(len(digests))
    yield from (shape.split(digest)[1] for digest in digests)


class HashList:
    """A list that can be asked. ``data`` is anything that can be sliced, as a mapped file."""

    def __init__(self, shape: Shape, data: bytes | memoryview) -> None:
        """Take a list as it was built.

        Raises:
            ValueError: it has another length than its shape says, or its numbers do not fit together.
        """
        if len(data) != shape.size:
            raise ValueError(f"a list of this shape has {shape.size} bytes, not {len(data)}")
        self.shape = shape
        self._data = data
        self._suffixes_at = shape.size - shape.entries * shape.suffix_bytes

    def __contains__(self, digest: bytes) -> bool:
        """Whether a hash is listed, or looks like one that is (``Shape.false_positives``)."""
        bucket, suffix = self.shape.split(digest)
        low, high = self._start(bucket), self._start(bucket + 1)
        while low < high:
            middle = (low + high) // 2
            found = self._suffix(middle)
            if found == suffix:
                return True
            low, high = (middle + 1, high) if found < suffix else (low, middle)
        return False

    def _start(self, bucket: int) -> int:
        place = bucket * _NUMBER.size
        (number,) = _NUMBER.unpack(bytes(self._data[place : place + _NUMBER.size]))
        return min(int(number), self.shape.entries)

    def _suffix(self, number: int) -> bytes:
        place = self._suffixes_at + number * self.shape.suffix_bytes
        return bytes(self._data[place : place + self.shape.suffix_bytes])


def read_hashes(lines: Iterable[str]) -> Iterator[bytes]:
    """The hashes of a list for people: one a line, as ``sha256sum`` prints them; what stands behind one is a name.

    Raises:
        ValueError: a line that is neither empty nor a remark does not begin with a SHA-256; it says which.
    """
    for number, line in enumerate(lines, 1):
        word = line.split(maxsplit=1)[0].lstrip("\\").strip('",').lower() if line.strip() else "#"
        if word.startswith("#"):
            continue
        try:
            digest = bytes.fromhex(word)
        except ValueError:
            digest = b""
        if len(digest) != HASH_BYTES:
            raise ValueError(f"line {number} does not begin with a SHA-256: {line.strip()[:40]!r}")
        yield digest
