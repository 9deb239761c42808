"""What ``sampler statement`` prints as NDJSON."""

from __future__ import annotations

from sampler.wire.messages import Message


class StatementField(Message, frozen=True):
    """One line of a statement's list."""

    scope: str
    field: str
    treatment: str


class StatementChange(Message, frozen=True):
    """One difference between two statements."""

    kind: str
    """``widens`` or ``narrows``."""
    what: str
    """For ``narrows``: what the older one let happen and the newer does not."""
