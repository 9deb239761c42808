"""TLSH digests: how far two are apart, and where the like of one stand in an index that is not read as a whole. Pure.

After Oliver, Cheng, Chen: TLSH, a locality sensitive hash (2013), and the reference implementation, version 4: ``T1``,
then as hexadecimal a checksum, the logarithm of the length, two ratios of quartiles, and 128 codes of two bits. The
distance is the reference's, with the length counted.

The codes are cut into 16 *bands* of 8, and an index keeps each digest under each of its bands. Two digests whose codes
differ in at most 31 places agree, in at least one band, in all places but one; and no place that differs adds less than
1 to the distance. So looking under the 25 bands that differ from each own one in one place at most misses none within
a distance of 31; what it finds beyond is measured in docs/search.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sampler.wire.search_messages import TLSH

BANDS: Final = 16
COMPLETE_DISTANCE: Final = 31
"""Up to here no neighbour is missed."""
_DIGEST: Final = re.compile(TLSH)
_HEADER_CHARACTERS: Final = 8
_LOW_BITS: Final = int("01" * 128, 2)
_BAND_BITS: Final = 16
_LENGTHS: Final = 256
_RATIOS: Final = 16
_STEEP: Final = 12
"""What each step of a length or a ratio adds that is further away than the next one."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest, taken apart."""

    text: str
    checksum: int
    length: int
    """The logarithm of the object's length, as the reference rounds it."""
    ratios: tuple[int, int]
    codes: bytes
    """Two bits each, four to a byte."""

    @classmethod
    def parse(cls, text: str) -> Digest | None:
        """A digest as a manifest writes it; ``None`` where it is none, or one of another version."""
        upper = text.upper()
        if not _DIGEST.fullmatch(upper):
            return None
        checksum, length, ratios, *codes = bytes.fromhex(upper[2:])
        return cls(upper, checksum, _swapped(length), (ratios >> 4, ratios & 15), bytes(codes))

    def distance(self, other: Digest) -> int:
        """How far another one is; 0 for the same, above ``limits.TLSH_DISTANCE_MAX`` nothing is alike."""
        apart = _length_cost(_around(self.length, other.length, _LENGTHS))
        for one, two in zip(self.ratios, other.ratios, strict=True):
            apart += _ratio_cost(_around(one, two, _RATIOS))
        return apart + (self.checksum != other.checksum) + _codes_apart(self.codes, other.codes)

    def bands(self) -> tuple[int, ...]:
        """Where an index keeps it: each band with its place."""
        return tuple(place << _BAND_BITS | self._band(place) for place in range(BANDS))

    def probes(self) -> Iterator[tuple[int, ...]]:
        """Where to look for its like: for each place, its own band and those that differ in one code."""
        for place in range(BANDS):
            own = self._band(place)
            yield tuple(place << _BAND_BITS | band for band in (own, *_one_code_apart(own)))

    def _band(self, place: int) -> int:
        return int.from_bytes(self.codes[2 * place : 2 * place + 2])


def nearest(digest: Digest, among: Iterable[str], within: int) -> list[tuple[int, str]]:
    """Those that are no further than ``within``, with their distance."""
    codes, found = _codes_of(digest.text), []
    for text in among:
        if _places_apart(codes, _codes_of(text)) > within:
            continue  # most are, and this is a tenth of the work
        other = Digest.parse(text)
        if other is not None and (apart := digest.distance(other)) <= within:
            found.append((apart, text))
    return found


def _codes_of(text: str) -> int:
    """The codes of a digest as one number; of what is no digest, any: it is looked at again."""
    try:
        return int(text[_HEADER_CHARACTERS:], 16)
    except ValueError:
        return -1


def _places_apart(one: int, other: int) -> int:
    """How many codes differ; no distance is smaller."""
    differing = one ^ other
    return ((differing | differing >> 1) & _LOW_BITS).bit_count()


def _one_code_apart(band: int) -> Iterator[int]:
    for shift in range(0, _BAND_BITS, 2):
        yield from (band ^ change << shift for change in (1, 2, 3))


def _swapped(byte: int) -> int:
    """The reference writes the halves of these bytes in the other order."""
    return (byte & 15) << 4 | byte >> 4


def _around(one: int, two: int, count: int) -> int:
    """Steps between two values on a circle of so many."""
    apart = abs(one - two)
    return min(apart, count - apart)


def _length_cost(steps: int) -> int:
    return steps if steps <= 1 else steps * _STEEP


def _ratio_cost(steps: int) -> int:
    return steps if steps <= 1 else (steps - 1) * _STEEP


def _cost_of_codes(one: int, two: int) -> int:
    """Of four codes against four: what is three apart counts six."""
    steps = (abs((one >> shift & 3) - (two >> shift & 3)) for shift in (0, 2, 4, 6))
    return sum(6 if each == 3 else each for each in steps)


_COSTS: Final = tuple(bytes(_cost_of_codes(one, two) for two in range(256)) for one in range(256))


def _codes_apart(one: bytes, two: bytes) -> int:
    return sum(_COSTS[a][b] for a, b in zip(one, two, strict=True))
