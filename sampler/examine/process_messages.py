"""What parent and child say to each other about one process's memory, as MessagePack; the parent decodes strictly.

Offsets of hits are addresses, so they cannot be held against a size; types and counts are checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from sampler.examine.messages import MessageError, Unusable
from sampler.limits import FRAME_MAX_BYTES, MATCHES_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import Problem, RuleMatch

_ANSWER_MAX_BYTES: Final = FRAME_MAX_BYTES - 1024
"""Leaves room for what frames and tags add."""


class ReadRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For a child that can see this process."""

    pid: int
    path: bytes | None
    """Its program, as /proc names it; never opened."""
    owner: str


class NotReadBecause(StrEnum):
    """Why a child read nothing."""

    PERMISSION = "permission"
    GONE = "gone"
    TIMEOUT = "timeout"
    ENGINE = "engine"


class NotRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="not-read"):
    """The memory could not be scanned."""

    because: NotReadBecause
    detail: str


class MemoryRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="read"):
    """What the rules found in it."""

    ruleset_version: str
    matches: tuple[RuleMatch, ...]
    matches_total: int
    problems: tuple[Problem, ...]


MemoryAnswer: TypeAlias = MemoryRead | NotRead | Unusable

_encoder = msgspec.msgpack.Encoder()
_request = msgspec.msgpack.Decoder(ReadRequest)
_answer: msgspec.msgpack.Decoder[MemoryAnswer] = msgspec.msgpack.Decoder(MemoryAnswer)


def encode_request(request: ReadRequest) -> bytes:
    """MessagePack."""
    return _encoder.encode(request)


def decode_request(data: bytes) -> ReadRequest:
    """Raises ``MessageError``."""
    try:
        return _request.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(str(error)) from error


def encode_answer(answer: MemoryRead | NotRead, ceiling: int = _ANSWER_MAX_BYTES) -> bytes:
    """A child's answer; where it would be too long, hits are left out, then what rules say of themselves."""
    if isinstance(answer, NotRead):
        return _encoder.encode(answer)
    return next(data for data in map(_encoder.encode, _shorter(answer)) if len(data) <= ceiling)


def decode_answer(data: bytes) -> MemoryAnswer:
    """Every value is of its type and within the ceilings of a process's matches, or ``MessageError`` is raised."""
    try:
        answer = _answer.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(str(error)) from error
    if isinstance(answer, MemoryRead):
        _check(answer)
    return answer


def _check(answer: MemoryRead) -> None:
    if len(answer.matches) > MATCHES_MAX_COUNT or len(answer.problems) > PROBLEMS_MAX_COUNT:
        raise MessageError("it has more matches or problems than are taken")
    if answer.matches_total < len(answer.matches):
        raise MessageError(f"{len(answer.matches)} matches of {answer.matches_total}")


def _shorter(answer: MemoryRead) -> Iterator[MemoryRead]:
    yield answer
    told = (*answer.problems[: PROBLEMS_MAX_COUNT - 1], Problem("scan", "too-much", "hits were left out"))
    without_hits = tuple(replace(match, hits=()) for match in answer.matches)
    yield msgspec.structs.replace(answer, matches=without_hits, problems=told)
    bare = tuple(replace(match, meta=(), tags=()) for match in without_hits)
    yield msgspec.structs.replace(answer, matches=bare, problems=told[-1:])
