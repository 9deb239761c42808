"""What the agent answers to ``POST /v1/preview`` on its socket: what would leave of an object. Nothing does."""

from __future__ import annotations

from sampler.wire.messages import ContentMessage, FieldJson, Message, ObjectMessage, OmissionMessage


class PreviewField(Message, frozen=True, kw_only=True):
    """One fact, before and after its treatment."""

    name: str
    before: FieldJson
    """As the host knows it; never sent."""
    after: FieldJson | None = None
    """As it would be sent; absent: it would not."""
    scope: str = ""
    """What the statement asks consent for, where it lists the field."""
    treatment: str = ""
    """What the statement says is done to it, where it lists the field."""
    why: str
    """The numbered rule that let it through or kept it, and what the statement says."""


class PreviewContent(Message, frozen=True, kw_only=True):
    """Bytes that would be sent."""

    content: ContentMessage
    why: str
    head: str
    """The first of them, hexadecimal; at most ``PREVIEW_HEAD_BYTES``."""
    held: bool = False
    """They would wait for a person's approval first."""


class PreviewProblem(Message, frozen=True, kw_only=True):
    """Something that could not be done."""

    stage: str
    code: str
    detail: str = ""


class PreviewView(Message, frozen=True, kw_only=True):
    """What flagging this object now would send."""

    object: ObjectMessage
    mime_type: str
    kind: str
    sends: bool
    """Whether anything would leave at all."""
    rule: str = ""
    """The numbered rule that refuses, where nothing would."""
    detail: str = ""
    statement: str
    """Identifier and version."""
    fields: tuple[PreviewField, ...] = ()
    matches: tuple[tuple[PreviewField, ...], ...] = ()
    contents: tuple[PreviewContent, ...] = ()
    omissions: tuple[OmissionMessage, ...] = ()
    problems: tuple[PreviewProblem, ...] = ()
    manifest_bytes: int = 0
    """What travels of it without contents."""
    content_bytes: int = 0
    """Of contents that would not be held."""
