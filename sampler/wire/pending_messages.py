"""What people say of contents that wait for their approval, on the agent's socket."""

from __future__ import annotations

from sampler.wire.messages import Message


class PendingDecision(Message, frozen=True, kw_only=True):
    """``POST /v1/pending/{id}`` on the agent's socket: what becomes of contents that wait.

    Who says so is whom the kernel names as the one who asks.
    """

    approve: bool
    """They leave, as far as statement, consent and policy allow it now; else they are refused for good."""
