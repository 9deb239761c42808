"""What all adapters do alike: bytes for an engine that takes nothing else, and what is kept of what an engine found, so
many matches, so many hits of each, in one order. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

from sampler.errors import ScanError
from sampler.limits import FIELDS_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan.asking import MetaValue
from sampler.scan.engine import Buffer, ScanLimits, ScanResult

T = TypeVar("T")
HitOf: TypeAlias = Callable[[str, T], StringHit]
"""Makes a hit of a string's identifier and one of the engine's own hits."""


@dataclass(frozen=True, slots=True)
class FoundRule:
    """The name of a rule that matched, with all that the engine says of it behind ``details``."""

    namespace: str
    rule: str
    details: Callable[[], RuleMatch]


def as_bytes(data: Buffer) -> bytes:
    """The same bytes, copied unless they are ``bytes``.

    Raises:
        ScanError: there is no memory for a copy.
    """
    if isinstance(data, bytes):
        return data
    try:
        return bytes(data)
    except MemoryError as error:
        raise ScanError(f"there is no memory for a copy of {len(data)} bytes; use --engine yara") from error


def kept(found: Iterable[FoundRule], overflows: Sequence[str], limits: ScanLimits) -> ScanResult:
    """The first matches in the order of namespace and rule; those that are not kept are not looked into."""
    order = sorted(found, key=lambda match: (match.namespace, match.rule))
    matches = tuple(match.details() for match in order[: limits.matches_max_count])
    return ScanResult(matches, len(order), tuple(sorted(set(overflows))))


def readable_meta(told: Iterable[tuple[str, object]]) -> dict[str, MetaValue]:
    """Metadata as yara-python tells them: of several values of one name the last, in the place of the first; texts
    without what is not UTF-8, up to a NUL.
    """
    return {name: _readable(value) for name, value in told}


def _readable(value: object) -> MetaValue:
    if isinstance(value, (bool, int)):
        return value
    text = value.decode("utf-8", "ignore") if isinstance(value, bytes) else str(value)
    return text.partition("\0")[0]


def kept_meta(meta: Mapping[str, MetaValue]) -> tuple[tuple[str, MetaValue], ...]:
    """As much of a rule's metadata as a match may have."""
    return tuple(islice(meta.items(), FIELDS_MAX_COUNT))


def fair_share(strings: Sequence[tuple[str, Sequence[T]]], most: int, hit_of: HitOf[T]) -> tuple[StringHit, ...]:
    """The first hits of each string in turn, so that a frequent one does not crowd out a rare one; sorted by offset."""
    hits = [hit_of(identifier, hit) for identifier, hit in islice(_in_turn(strings), most)]
    return tuple(sorted(hits, key=lambda hit: (hit.offset, hit.identifier)))


def _in_turn(strings: Sequence[tuple[str, Sequence[T]]]) -> Iterator[tuple[str, T]]:
    place = 0
    left = strings
    while left := [string for string in left if len(string[1]) > place]:
        yield from ((identifier, hits[place]) for identifier, hits in left)
        place += 1
