"""What parent and child of an examination say to each other, as MessagePack; the parent decodes strictly.

An answer that is too long for a frame is made to fit by the child: hits go first, because how many there were stays
known, then regions and fields beyond the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from sampler.examine.settings import RuleReport
from sampler.limits import FRAME_MAX_BYTES, TEXT_MAX_CHARACTERS
from sampler.model import Examination, Problem, Region, RuleMatch
from sampler.scan import RuleSettings, ScanLimits

T = TypeVar("T")

_RULE_PROBLEMS_MAX_COUNT: Final = 1000
_ANSWER_MAX_BYTES: Final = FRAME_MAX_BYTES - 1024
"""Leaves room for what frames and tags add."""
_HITS_WHEN_FULL_MAX_COUNT: Final = 16
_REST_WHEN_FULL_MAX_COUNT: Final = 128


class MessageError(ValueError):
    """Bytes that are not the expected message; ``str()`` says what is wrong and where."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For the nursery: which rules, and within what limits; paths as the file system keeps them."""

    places: tuple[bytes, ...]
    engine: str
    externals: dict[str, str | int | float | bool]
    cache: bytes | None
    limits: ScanLimits


class ExamineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="examine"):
    """For a child, with the descriptor of a snapshot."""

    sha256: str
    """What the answer has to be for."""
    size: int
    """Bytes."""
    path: bytes | None = None
    """What the object is called, if anything; never opened."""
    owner: str = ""
    rules_only: bool = False
    """Type and rules, but neither structure nor what only sampled objects need."""


class SweepRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sweep"):
    """For a child, with the descriptor of a live file, which it hashes as it reads."""

    size: int
    """Bytes, as fstat(2) told."""
    path: bytes
    owner: str


class BundleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bundle"):
    """For a child, with a sealed copy of several small files, one after the other."""

    files: tuple[SweepRequest, ...]


class DeriveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="derive"):
    """For a child, with the descriptor of a snapshot: a page of the bytes that a recipe makes of it."""

    size: int
    """Bytes of the snapshot."""
    recipe: tuple[str, ...]
    offset: int
    """Where in the derived bytes the page begins."""


class BootRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="boot"):
    """For a child, with the descriptor of stretches of a disk, one behind the other: which records do they tell of?"""

    places: tuple[tuple[int, int], ...]
    """Of each stretch, on the disk, and its length, in bytes."""
    disk_size: int
    sector_bytes: int


class BootTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="boot-told"):
    """A child's answer to ``BootRequest``."""

    records: tuple[Region, ...]


class Derived(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="derived"):
    """A child's answer to ``DeriveRequest``."""

    size: int
    """Of all the derived bytes."""
    page: bytes


class NotDerived(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="not-derived"):
    """A child's answer to ``DeriveRequest`` where the recipe does not apply."""

    detail: str


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ready"):
    """The nursery has rules."""

    report: RuleReport


class Unusable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="unusable"):
    """The nursery has no rules; so has none of its children."""

    message: str


class Swept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="swept"):
    """A child's answer on a live file; worth something only while the file is as it was."""

    sha256: str
    """Of the bytes that were read."""
    size: int
    """How many were read: another number than announced means that the file changed."""
    mime_type: str
    matches: tuple[RuleMatch, ...]
    problems: tuple[Problem, ...]


class SweptBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bundle"):
    """A child's answer on several small files, in the order in which they were given."""

    swept: tuple[Swept, ...]


class Examined(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="examined"):
    """A child's answer."""

    examination: Examination


Preparation: TypeAlias = Ready | Unusable
Request: TypeAlias = ExamineRequest | SweepRequest | BundleRequest | DeriveRequest | BootRequest
Answer: TypeAlias = Examined | Swept | SweptBundle | Derived | NotDerived | BootTold | Unusable

_encoder = msgspec.msgpack.Encoder()
_order = msgspec.msgpack.Decoder(Order)
_request: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_preparation: msgspec.msgpack.Decoder[Preparation] = msgspec.msgpack.Decoder(Preparation)
_answer: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def encode(message: Order | Request | Ready | Derived | NotDerived | BootTold | Unusable) -> bytes:
    """MessagePack."""
    return _encoder.encode(message)


def encode_order(rules: RuleSettings, limits: ScanLimits) -> bytes:
    """The order to load these rules."""
    places = tuple(os.fsencode(place.absolute()) for place in rules.places)
    cache = None if rules.cache is None else os.fsencode(rules.cache.absolute())
    return encode(Order(places, rules.engine, dict(rules.externals), cache, limits))


def encode_ready(report: RuleReport) -> bytes:
    """The nursery's report, with as many problems as anyone will read."""
    kept = report.problems[:_RULE_PROBLEMS_MAX_COUNT]
    if more := len(report.problems) - len(kept):
        kept = (*kept, f"and {more} more")
    return encode(Ready(replace(report, problems=tuple(sendable(problem) for problem in kept))))


def encode_swept(swept: Swept, ceiling: int = _ANSWER_MAX_BYTES) -> bytes:
    """A child's answer on a live file; where it would be too long, hits and metadata are left out."""
    data = _encoder.encode(swept)
    if len(data) <= ceiling:
        return data
    told = (Problem("scan", "too-much", "hits and metadata were left out"),)
    return _encoder.encode(msgspec.structs.replace(swept, matches=_bare(swept.matches), problems=told))


def encode_bundle(swept: tuple[Swept, ...]) -> bytes:
    """A child's answer on several files; one that is too long is not sent, and each file is asked about alone."""
    return _encoder.encode(SweptBundle(swept))


def encode_answer(examination: Examination, ceiling: int = _ANSWER_MAX_BYTES) -> bytes:
    """A child's answer, made to fit into ``ceiling`` bytes; what was left out is a problem in it."""
    return next(data for data in map(_encoder.encode, _shorter(examination)) if len(data) <= ceiling)


def decode_order(data: bytes) -> tuple[RuleSettings, ScanLimits]:
    """Raises ``MessageError``."""
    order = _decode(_order.decode, data)
    places = tuple(Path(os.fsdecode(place)) for place in order.places)
    cache = None if order.cache is None else Path(os.fsdecode(order.cache))
    return RuleSettings(places, order.engine, order.externals, cache), order.limits


def decode_request(data: bytes) -> Request:
    """Raises ``MessageError``."""
    return _decode(_request.decode, data)


def decode_preparation(data: bytes) -> Preparation:
    """Raises ``MessageError``."""
    return _decode(_preparation.decode, data)


def decode_answer(data: bytes) -> Answer:
    """Every value in it is of the model's types and within the model's ceilings, or ``MessageError`` is raised."""
    return _decode(_answer.decode, data)


def sendable(text: str) -> str:
    """Text that UTF-8 can carry and that is short enough for one value."""
    return text.encode("utf-8", "backslashreplace").decode()[:TEXT_MAX_CHARACTERS]


def _decode(decode: Callable[[Any], T], data: bytes) -> T:
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(str(error)) from error


def _shorter(examination: Examination) -> Iterator[Examined]:
    """The answer, then ever shorter ones; the last is always short enough."""
    yield Examined(examination)
    told = (*examination.problems[:_REST_WHEN_FULL_MAX_COUNT], Problem("scan", "too-much", "hits were left out"))
    few = replace(examination, matches=_with_hits(examination, _HITS_WHEN_FULL_MAX_COUNT), problems=told)
    yield Examined(few)
    cut = replace(few, regions=few.regions[:_REST_WHEN_FULL_MAX_COUNT], fields=few.fields[:_REST_WHEN_FULL_MAX_COUNT])
    yield Examined(cut)
    told = (Problem("extract", "too-much", "hits, regions and fields were left out"),)
    yield Examined(replace(cut, matches=_bare(cut.matches), regions=(), fields=(), problems=told))


def _with_hits(examination: Examination, most: int) -> tuple[Any, ...]:
    return tuple(replace(match, hits=match.hits[:most]) for match in examination.matches)


def _bare(matches: tuple[RuleMatch, ...]) -> tuple[RuleMatch, ...]:
    return tuple(replace(match, hits=(), meta=(), tags=()) for match in matches)
