"""What local peers say to the agent on its socket, and what it answers; single topics have modules of their own.

What both sides of the queue's door share (verdicts, contents, omissions) comes from ``messages``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from sampler.model import Sampling
from sampler.wire.messages import ContentMessage, Id, Message, OmissionMessage, Text, VerdictMessage


class FlagRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/flag`` on the agent's socket: look at this object.

    One of three: ``path``, opened with the caller's rights; ``descriptor`` true, for a descriptor that came with the
    request's first bytes by SCM_RIGHTS (``path`` is then only its name); or the object's bytes as the body of
    ``POST /v1/flag/bytes``, with this message in the ``Sampler-Flag`` header (``path`` is then only its name).
    ``path_hex`` stands in place of ``path`` for a path that is not UTF-8.
    """

    id: Id | None = None
    """The caller's own identifier, so that a repeated request changes nothing."""
    path: Annotated[str, Meta(max_length=4096)] | None = None
    path_hex: Annotated[str, Meta(max_length=8192, pattern=r"^([0-9a-f]{2})*$(?!\n)")] | None = None
    descriptor: bool = False
    reason: str = "detection"
    detections: Annotated[list[Text], Meta(max_length=64)] = field(default_factory=list)
    pid: Annotated[int, Meta(ge=1)] | None = None
    origin_url: Annotated[str, Meta(max_length=8192)] | None = None
    wants: Sampling | None = None


class ObjectMatch(Message, frozen=True, kw_only=True):
    """One rule that matched, for the caller's eyes."""

    rule: str
    strings: int = 0


class ObjectView(Message, frozen=True, kw_only=True):
    """One flagged object as the host's ledger has it (``GET /v1/objects/{id}`` on the agent's socket)."""

    id: Id
    state: str
    """A ``model.ObjectState``."""
    created: datetime
    name: str = ""
    sha256: str | None = None
    size: int | None = None
    detail: str = ""
    """Why it ended as it did, or what it waits for."""
    rule: str = ""
    """The numbered rule that decided, where permit decided."""
    follows: Id | None = None
    """The object's first event, for contents that were approved, or asked for, later."""
    matches: list[ObjectMatch] = field(default_factory=list)
    detections: list[str] = field(default_factory=list)
    contents: list[ContentMessage] = field(default_factory=list)
    omissions: list[OmissionMessage] = field(default_factory=list)
    sampling: Sampling = Sampling.NONE
    sent_bytes: int = 0
    updated: datetime | None = None
    verdict: VerdictMessage | None = None


class ObjectPage(Message, frozen=True, kw_only=True):
    """``GET /v1/objects?state=&limit=&after=`` on the agent's socket, newest first."""

    objects: list[ObjectView] = field(default_factory=list)
    after: str | None = None


class AgentStatus(Message, frozen=True, kw_only=True):
    """``GET /v1/status`` on the agent's socket."""

    agent_id: str
    version: str
    queue: str
    queue_reachable: bool | None
    """``None`` before the first attempt."""
    queue_detail: str
    ruleset_version: str
    rules: int
    rule_problems: list[str]
    consent: str
    counts: dict[str, int]
    """Objects by state."""
    spool_bytes: int
    children: int
    sandbox: str
    """What holds the children, and what this kernel lacks for it; for people."""
    receipts: str = ""
    """How the queue's receipts hold; an alarm begins with ALARM."""
    reconciled: str = ""
    """Whether every object was accounted for at the start, here and on the queue."""
    on_verdict: str = ""
    """How many runs of the command about verdicts are owed, and how many were given up; empty: none is set."""
    known_good: str = ""
    """Which list of known good files is held, and until when it is believed; empty: none."""
