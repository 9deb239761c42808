"""One run of the administrator's command about one verdict, from the moment it is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VerdictCall:
    """What the command has to be told, and how far that is. One that succeeded is kept nowhere."""

    event_id: str
    document: bytes
    """JSON, a ``wire.verdict_messages.VerdictNotice``; the command's standard input."""
    due: datetime
    """UTC; not before."""
    attempts: int = 0
    """Runs that failed."""
    detail: str = ""
    """How the last one ended."""
