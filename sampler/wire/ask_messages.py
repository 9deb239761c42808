"""Asking a host for more of an object that it told of: what people ask, what hosts read and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from sampler.limits import MATCH_CONTEXT_MAX_BYTES, PART_NAME_MAX_CHARACTERS, SELECTORS_MAX_COUNT
from sampler.model import AskState
from sampler.wire.messages import Id, Message, Text

Selector: TypeAlias = Annotated[str, Meta(min_length=1, max_length=PART_NAME_MAX_CHARACTERS)]


class AskRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/submissions/{id}/asks``: the host decides by its own statement, consent and policy."""

    wants: Literal["parts", "whole"]
    parts: Annotated[tuple[Selector, ...], Meta(max_length=SELECTORS_MAX_COUNT)] = ()
    """Selectors as in a rule's ``parts``; none: the parts that are taken when nobody says which."""
    context: Annotated[int, Meta(ge=0, le=MATCH_CONTEXT_MAX_BYTES)] = 256
    """Bytes on each side of a match."""
    note: Text | None = None
    """For the owner of the host, who can read it."""


class AskView(Message, frozen=True, kw_only=True):
    """One ask and what became of it."""

    id: Id
    submission: Id
    """What it is about."""
    state: AskState
    created: datetime
    expires: datetime
    wants: Literal["parts", "whole"]
    parts: tuple[Selector, ...] = ()
    context: int = 256
    note: Text | None = None
    answer: Id | None = None
    """The submission that answers it."""
    reason: Text | None = None
    """Why not, or not all of it."""


class AskPage(Message, frozen=True, kw_only=True):
    """Several asks."""

    asks: tuple[AskView, ...] = ()


class AskAnswer(Message, frozen=True, kw_only=True):
    """``POST /v1/asks/{id}/answer``: what the host did. The same answer again changes nothing."""

    outcome: Literal["sent", "refused", "gone"]
    answer: Id | None = None
    """The submission, where something was sent."""
    reason: Text | None = None
