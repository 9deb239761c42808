"""What ``sampler explain`` says of one object; ``--json`` prints it as it is."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from sampler.wire.messages import FieldJson, Message, OmissionMessage


class ExplainedField(Message, frozen=True, kw_only=True):
    """One field that left."""

    name: str
    value: FieldJson
    """As it left."""
    scope: str = ""
    line: str = ""
    """Of the statement: the field, or what it falls under."""
    treatment: str = ""
    """What was done to it before."""
    why: str
    """The rule that let it through."""


class ExplainedContent(Message, frozen=True, kw_only=True):
    """Bytes that were offered."""

    label: str
    """``whole``, or the part's kind, name and place."""
    sha256: str
    size: int
    offset: int = 0
    """Where it lies in the object."""
    derived: bool = False
    """Whether it was made from the object by a recipe, and lies nowhere in it."""
    why: str = ""
    head: str | None = None
    """The first of the bytes, hexadecimal; absent: they are not kept on this machine, or not for this user."""


class ExplainedConsent(Message, frozen=True, kw_only=True):
    """What the owner had agreed to when it left."""

    by: str
    at: datetime
    act: str = ""
    scopes: tuple[str, ...] = ()


class ExplainedReceipt(Message, frozen=True, kw_only=True):
    """What the queue signed about it."""

    position: int
    """In the queue's log, from 0."""
    received: str
    key: str
    signature: str
    noted: datetime


class ExplainedEnd(Message, frozen=True, kw_only=True):
    """Something that became of it."""

    at: datetime
    kind: str
    detail: str = ""


class ExplainedFollower(Message, frozen=True, kw_only=True):
    """A later event of the same object: contents that waited for a person, or an answer to the queue's ask."""

    id: str
    began: datetime
    at: datetime
    kind: str
    """What the journal has of it last, apart from receipts and verdicts."""
    detail: str = ""


class Step(Message, frozen=True, kw_only=True):
    """Something that its owner can do."""

    command: str
    """A command, or a line of agent.toml."""
    effect: str


class Explained(Message, frozen=True, kw_only=True):
    """One object: what left of it, why, and what became of it."""

    id: str
    left: datetime | None = None
    """When it was offered first; absent: nothing of it left."""
    reason: str = ""
    sha256: str = ""
    size: int = 0
    statement: str = ""
    """Identifier and version; empty where the journal has only the digest."""
    statement_digest: str = ""
    scopes: tuple[str, ...] = ()
    consent: ExplainedConsent | None = None
    fields: tuple[ExplainedField, ...] = ()
    matches: tuple[tuple[ExplainedField, ...], ...] = ()
    contents: tuple[ExplainedContent, ...] = ()
    omissions: tuple[OmissionMessage, ...] = ()
    withheld: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the fields that stayed, by the rule."""
    sent_bytes: int = 0
    """Content bytes that travelled."""
    receipt: ExplainedReceipt | None = None
    became: tuple[ExplainedEnd, ...] = ()
    follows: str = ""
    """The object whose later event this is."""
    followers: tuple[ExplainedFollower, ...] = ()
    stop: tuple[Step, ...] = ()
    """To take it back, or to stop what is like it."""
