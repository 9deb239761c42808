"""What is known of files by their hash, on the agent's socket, and what the administrator's command is told of it."""

from __future__ import annotations

from datetime import datetime

from sampler.model import KnownFrom, Reason
from sampler.wire.messages import Id, Message, Sha256, VerdictMessage


class LookUpWish(Message, frozen=True, kw_only=True):
    """``POST /v1/lookup`` on the agent's socket: what is known of the file with this hash?"""

    sha256: Sha256
    local: bool = False
    """Ask nobody but this host."""


class LookUpView(Message, frozen=True, kw_only=True):
    """What is known of it. Without a verdict it is not known, or could not be asked."""

    sha256: Sha256
    verdict: VerdictMessage | None = None
    source: KnownFrom | None = None
    expires: datetime | None = None
    """From then on it has to be asked anew."""
    trouble: str = ""
    """Why the queue was not asked."""


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
