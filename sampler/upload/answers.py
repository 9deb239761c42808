"""Reading what the queue answered. Pure; every answer is hostile text until it has passed here.

Errors are ``application/problem+json`` (RFC 9457); waiting is asked for by Retry-After (RFC 9110, section 10.2.3).
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from sampler.errors import DeliveryError, QueueBusy, QueueFaulty, QueueRefused
from sampler.limits import RETRY_AFTER_MAX_SECONDS, TEXT_MAX_CHARACTERS
from sampler.wire.codec import DecodeError, decode

M = TypeVar("M", bound=msgspec.Struct)

PROBLEM_PREFIX: Final = "urn:sampler:problem:"
_BUSY: Final = frozenset({429, 502, 503, 504, 507})
"""With the two that a proxy gives when the queue behind it is down."""
_PASSING: Final = frozenset({408, 423, 425})
"""A body that came too slowly, a lock, a replay: of the class that means no, but the next time it may be yes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Problem(msgspec.Struct):
    """RFC 9457, section 3.1: all members are optional, further ones are allowed."""

    type: str = ""
    title: str = ""
    detail: str = ""


_problem_decoder = msgspec.json.Decoder(_Problem)


def require(answer: Answer, what: str, *expected: int) -> Answer:
    """The answer itself when its status is an expected one.

    Raises:
        QueueBusy: 429 or 507, or 502 to 504, with the seconds to wait where they are given.
        QueueRefused: any other 4xx, but those that pass.
        QueueFaulty: anything else.
    """
    if answer.status in expected:
        return answer
    raise _error(answer, f"{what}: the queue answered {answer.status}{_said(answer)}")


def message_of(answer: Answer, kind: type[M], what: str) -> M:
    """The body as a message.

    Raises:
        QueueFaulty: it is none.
    """
    try:
        return decode(answer.body, kind)
    except DecodeError as error:
        raise QueueFaulty(f"{what}: the queue's answer cannot be read: {error}; is its version ours?") from error


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The wait that is asked for: seconds, or a date held against the answer's own Date; cut to the ceiling."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), RETRY_AFTER_MAX_SECONDS)
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), RETRY_AFTER_MAX_SECONDS)


def plain(text: str) -> str:
    """Text from outside, fit for a terminal and a record: one line, no control characters, bounded."""
    return "".join(c if c.isprintable() else " " for c in text[:TEXT_MAX_CHARACTERS]).strip()


def _error(answer: Answer, message: str) -> DeliveryError:
    if answer.status in _PASSING:
        return QueueFaulty(message)
    if answer.status in _BUSY:
        return QueueBusy(message, retry_after_seconds(answer.headers))
    if 400 <= answer.status < 500:
        return QueueRefused(message, answer.status, _problem(answer).type.removeprefix(PROBLEM_PREFIX))
    return QueueFaulty(message)


def _problem(answer: Answer) -> _Problem:
    """What it says is wrong; nothing, where it says that in no form that is known."""
    try:
        return _problem_decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Problem()


def _said(answer: Answer) -> str:
    problem = _problem(answer)
    said = plain(problem.detail or problem.title)
    return f": {said}" if said else ""


def _date(value: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def utc(moment: datetime) -> datetime:
    """A moment that a queue told; without a zone it is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
