"""What the administrator's command is told of a verdict, as JSON on its standard input."""

from __future__ import annotations

from datetime import datetime

from sampler.model import KnownFrom, Reason
from sampler.wire.messages import Id, Message, VerdictMessage


class VerdictNotice(Message, frozen=True, kw_only=True):
    """One object that was flagged, and what it turned out to be."""

    id: Id
    """Of the object's event; ``sampler show`` knows it."""
    flagged: datetime
    reason: Reason
    uid: int
    """Who flagged it."""
    sha256: str
    size: int
    path: str | None = None
    """Where it lay, as text for people; absent where nobody said."""
    path_hex: str | None = None
    """The same, byte for byte."""
    detections: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """YARA rules that matched."""
    verdict: VerdictMessage
    source: KnownFrom
    """Whether the queue analyzed what this host sent, or knew the bytes before anything was sent."""
