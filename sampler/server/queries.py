"""Reading query parameters. Each either has a value of its kind or is refused by name."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar

from aiohttp import web

from sampler.model import TaskState
from sampler.server.problems import Refused
from sampler.wire.routes import UUID

W = TypeVar("W", bound=StrEnum)

_ID: Final = re.compile(UUID, re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_A_DAY: Final = "a day like 2026-11-24"
_A_MOMENT: Final = "a moment like 2026-11-24T10:30:00Z"
_CURSOR_MAX: Final = 2**63 - 1


def whole_number(request: web.Request, name: str, default: int, *, least: int = 0, most: int = _CURSOR_MAX) -> int:
    """A number without a fraction.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and least <= int(text) <= most):
        raise _bad(name, f"a whole number from {least} to {most}")
    return int(text)


def seconds(request: web.Request, name: str, *, most: float) -> float:
    """A time to wait, 0 when it is not there.

    Raises:
        Refused: 400.
    """
    try:
        value = float(request.query.get(name, "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:  # not a number is outside as well
        raise _bad(name, f"seconds from 0 to {most:g}")
    return value


def task_state(request: web.Request, name: str) -> TaskState | None:
    """A task's state, ``None`` when it is not there.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name)
    try:
        return None if text is None else TaskState(text)
    except ValueError as error:
        raise _bad(name, "one of: " + ", ".join(TaskState)) from error


def identifier(request: web.Request, name: str) -> str | None:
    """A UUID, ``None`` when it is not there.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name)
    if text is not None and not _ID.fullmatch(text):
        raise _bad(name, "a UUID in lower case")
    return text


def word(request: web.Request, name: str, kind: type[W]) -> W | None:
    """One word of a closed list, ``None`` when it is not there.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name)
    try:
        return None if text is None else kind(text)
    except ValueError as error:
        raise _bad(name, "one of: " + ", ".join(kind)) from error


def moment(request: web.Request, name: str) -> datetime | None:
    """A moment as RFC 3339 writes it, ``None`` when it is not there.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name)
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise _bad(name, _A_MOMENT) from error
    if found is not None and found.tzinfo is None:
        raise _bad(name, _A_MOMENT)
    return found


def day(request: web.Request, name: str) -> date:
    """A day as ISO 8601 writes it; it has to be there.

    Raises:
        Refused: 400.
    """
    text = request.query.get(name, "")
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise _bad(name, _A_DAY) from error
    raise _bad(name, _A_DAY)


def days(request: web.Request, since: str, until: str) -> tuple[date, date]:
    """From one day to another; what is not there leaves that side open.

    Raises:
        Refused: 400.
    """
    first = day(request, since) if since in request.query else date.min
    last = day(request, until) if until in request.query else date.max
    return first, last


def _bad(name: str, right: str) -> Refused:
    return Refused(400, "query", f"query parameter {name!r} is not {right}")
