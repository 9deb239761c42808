"""The audit log as it travels: who did what to what, and the chain of hashes that its entries are in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from sampler.wire.messages import Message, Sha256, Text

FIRST_CHAIN: Final = "0" * 64
"""What stands before the first entry."""

_CONTEXT: Final = b"sampler audit 1\n"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Action(StrEnum):
    """What was done."""

    DOWNLOAD = "download"
    """A content was handed out; ``detail`` says in which form."""
    LEASE = "lease"
    COMPLETE = "complete"
    """A verdict was reported; ``detail`` is its conclusion."""
    FAIL = "fail"
    REQUEUE = "requeue"
    CANCEL = "cancel"
    ASK = "ask"
    """A host was asked for more of an object."""
    ENROLL = "enroll"
    """A host was let in; it is the subject."""
    TOKEN_CREATE = "token-create"  # noqa: S105  # no secret
    TOKEN_REVOKE = "token-revoke"  # noqa: S105  # no secret
    DEVICE_REVOKE = "device-revoke"
    TENANT_CREATE = "tenant-create"
    TENANT_CHANGE = "tenant-change"
    HOLD_PLACE = "hold-place"
    """Retention has to leave something alone; ``detail`` says what and why."""
    HOLD_LIFT = "hold-lift"
    RETENTION = "retention"
    """Contents or records of so many submissions were destroyed because their time was over."""
    KNOWN_GOOD_PUBLISH = "known-good-publish"
    """Hosts have another list of known good files; ``detail`` says how many and which."""


class AuditLine(Message, frozen=True, kw_only=True):
    """One entry, at its place in the chain."""

    position: Annotated[int, Meta(ge=0)]
    """From 0, without gaps."""
    at: datetime
    actor: Text
    """The name of the token, or ``local`` for whoever administers the queue on its own machine."""
    role: Text
    tenant: Text
    """The actor's; ``*`` for one that works for all."""
    action: Action
    subject: Text
    """What it was done to: a SHA-256, a task, a submission, a host, a token's or a tenant's name."""
    detail: Text = ""
    chain: Sha256
    """SHA-256 over the chain before it and this entry (``chained``)."""


class AuditPage(Message, frozen=True, kw_only=True):
    """Entries, the oldest first."""

    entries: tuple[AuditLine, ...] = ()
    after: int | None = None
    """Go on behind this; ``None`` when these were the last ones."""


def chained(before: str, line: AuditLine) -> str:
    """The hash that stands behind an entry: of ``sampler audit 1``, a line feed, the 32 bytes of the hash before it,
    and the entry as a JSON array without spaces, its moment in microseconds since 1970.
    """
    moment = (line.at - _EPOCH) // timedelta(microseconds=1)
    said = [line.position, moment, line.actor, line.role, line.tenant, line.action.value, line.subject, line.detail]
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(_CONTEXT + bytes.fromhex(before) + text.encode()).hexdigest()


def first_break(lines: Iterable[AuditLine], before: AuditLine | None = None) -> int | None:
    """The position of the first entry that does not follow the one before it; ``None`` when all do.

    Args:
        lines: the whole log in its order, or what of it follows ``before``.
        before: an entry that is believed; without one, the first entry is believed unless it is the very first.
    """
    last = before
    for line in lines:
        place, chain = (last.position + 1, last.chain) if last else (line.position, FIRST_CHAIN)
        followed = last is not None or line.position == 0
        if line.position != place or (followed and chained(chain, line) != line.chain):
            return line.position
        last = line
    return None
