"""Retention as messages of the wire, and where its pages go on. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from sampler.errors import RequestError
from sampler.queue.retention_ports import Hold, Kept
from sampler.queue.retention_rules import RetentionRule
from sampler.wire.retention_messages import DueLine, HoldView, Part

_CURSOR: Final = re.compile(r"(?P<moment>[0-9T:.+-]{1,40})_(?P<number>\d{1,19})", re.ASCII)


def due_line(part: Part, kept: Kept) -> DueLine:
    """A submission whose contents or records are due."""
    is_contents = part is Part.CONTENTS
    gone = kept.contents_gone is not None
    return DueLine(
        submission=kept.submission,
        part=part,
        received=kept.facts.received,
        due=kept.due.contents if is_contents else kept.due.records,
        why=kept.due.contents_why if is_contents else kept.due.records_why,
        contents=0 if gone else kept.facts.contents,
        bytes=0 if gone else kept.facts.bytes,
    )


def cursor_of(line: Kept, part: Part) -> str:
    """Where the page behind this submission begins."""
    moment = line.due.contents if part is Part.CONTENTS else line.due.records
    return f"{moment.isoformat()}_{line.number}"


def position_of(cursor: str | None) -> tuple[datetime, int] | None:
    """The place that a cursor names.

    Raises:
        RequestError: it is no cursor of an earlier answer.
    """
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    try:
        moment = datetime.fromisoformat(found["moment"]) if found else None
    except ValueError as error:
        raise RequestError("retention: after is no cursor; give the after of an earlier page") from error
    if found is None or moment is None or moment.tzinfo is None:
        raise RequestError("retention: after is no cursor; give the after of an earlier page")
    return moment, int(found["number"])


def hold_view(hold: Hold) -> HoldView:
    """A hold as people see it."""
    return HoldView(
        id=hold.id,
        kind=hold.kind,
        target=hold.target,
        reason=hold.reason,
        placed_by=hold.placed_by,
        placed=hold.placed,
        lifted_by=hold.lifted_by,
        lifted=hold.lifted,
    )


def rule_text(number: int, rule: RetentionRule) -> str:
    """A rule in one line."""
    told = {name: value for name, value in msgspec.to_builtins(rule).items() if value not in ((), [], None)}
    words = [f"{name} {', '.join(value) if isinstance(value, list | tuple) else value}" for name, value in told.items()]
    return f"{number}. {'; '.join(words)}"
