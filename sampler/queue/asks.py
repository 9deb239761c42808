"""The queue's wishes for more of an object: what they are and how they end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sampler.errors import Conflict
from sampler.model import AskState
from sampler.wire.ask_messages import AskAnswer, AskRequest, AskView


@dataclass(frozen=True, slots=True)
class AskRecord:
    """One ask. ``OPEN`` until its host answers or its time is over; then it stays as it is."""

    id: str
    submission: str
    device: str
    """Who told of the object, and is asked."""
    asked: AskRequest
    created: datetime
    expires: datetime
    state: AskState = AskState.OPEN
    answer: str | None = None
    """The submission that answers it."""
    reason: str | None = None

    def view(self) -> AskView:
        """As people and hosts see it."""
        return AskView(
            id=self.id,
            submission=self.submission,
            state=self.state,
            created=self.created,
            expires=self.expires,
            wants=self.asked.wants,
            parts=self.asked.parts,
            context=self.asked.context,
            note=self.asked.note,
            answer=self.answer,
            reason=self.reason,
        )


def answered(ask: AskRecord, answer: AskAnswer) -> AskRecord:
    """The ask after its host's answer; the same answer again changes nothing.

    Raises:
        Conflict: it has ended otherwise.
    """
    after = replace(ask, state=AskState(answer.outcome), answer=answer.answer, reason=answer.reason)
    if ask.state is AskState.OPEN or ask == after:
        return after
    raise Conflict(f"ask {ask.id} has ended: it is {ask.state}")


def expired(ask: AskRecord) -> AskRecord:
    """An open ask whose time is over."""
    return replace(ask, state=AskState.EXPIRED, reason="the host did not answer in time")
