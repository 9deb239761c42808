"""What ``sampler reconcile`` names: one thing in which two records of the same object do not agree."""

from __future__ import annotations

from typing import Literal

from sampler.wire.messages import Message


class Difference(Message, frozen=True, kw_only=True, omit_defaults=False):
    """One difference. Nothing is repaired by naming it."""

    id: str
    """The object's identifier, or the SHA-256 of a content; empty where it is about a whole record."""
    where: Literal["ledger", "journal", "spool", "kept", "held", "queue"]
    """The record that is not as the others say."""
    code: str
    """Stable and short."""
    what: str
    advice: str
    """What to do."""
