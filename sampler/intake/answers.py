"""What the agent's answers mean to a client."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

from sampler.errors import QueueBusy, RequestError
from sampler.limits import ANSWER_MAX_BYTES
from sampler.wire.codec import DecodeError, decode
from sampler.wire.messages import Problem

M = TypeVar("M")

_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the agent, read to its end."""

    status: int
    retry_after: str | None
    body: bytes


def message_of(answer: Answer, kind: type[M]) -> M:
    """The message that an answer carries.

    Raises:
        QueueBusy: the agent asks to wait.
        RequestError: it refused, or what it said is not what it should be.
    """
    if answer.status in _WAIT:
        raise QueueBusy(_detail(answer), _seconds(answer.retry_after))
    if answer.status != HTTPStatus.OK:
        raise RequestError(_detail(answer))
    if len(answer.body) > ANSWER_MAX_BYTES:
        raise RequestError(f"the agent's answer has more than {ANSWER_MAX_BYTES} bytes; ask for less of it")
    try:
        return decode(answer.body, kind)
    except DecodeError as error:
        raise RequestError(f"the agent's answer is of another version: {error}") from error


def _detail(answer: Answer) -> str:
    try:
        problem = decode(answer.body, Problem)
    except DecodeError:
        return f"the agent answered with status {answer.status}"
    return problem.detail or problem.title


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
