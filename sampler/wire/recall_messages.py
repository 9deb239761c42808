"""Taking a submission back, and what the queue holds of one host: messages of both doors and of the agent's socket."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from sampler.limits import PARTS_MAX_COUNT, RECALLED_TOGETHER_MAX_COUNT
from sampler.model import SubmissionState
from sampler.wire.messages import Id, Message, Sha256, Text

RECALL_CONTEXT: Final = "sampler recall"
"""What a confirmation is signed in (``identity.signing``)."""

Cause: TypeAlias = Literal["person", "consent"]
"""Somebody asked for it, or the consent that it was sent under does not stand any more. All that is told of why."""
Contents: TypeAlias = Annotated[tuple[Sha256, ...], Meta(max_length=PARTS_MAX_COUNT + 1)]


class RecallRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/submissions/{id}/recall``: destroy what this submission brought. The same again changes nothing."""

    cause: Cause = "person"


class RecallConfirmation(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What the queue signs once nothing of a submission can be read from it any more."""

    schema: Literal["sampler.recall/1"] = "sampler.recall/1"
    submission: Id
    device: Id
    cause: Cause
    asked: datetime
    done: datetime
    """When the last of it was destroyed."""
    destroyed: Contents = ()
    """Contents that are gone, by their SHA-256."""
    kept: Contents = ()
    """Contents that another submission offers as well; whose, is not said. They are detached from this one."""


class SubmissionLine(Message, frozen=True, kw_only=True):
    """One submission of a host, as much as is needed to compare two records of it."""

    id: Id
    state: SubmissionState
    received: datetime
    manifest: Sha256 | None = None
    """Of the manifest's bytes; none of one that was recalled."""
    missing: int = 0
    """Contents that the queue does not hold."""


class SubmissionPage(Message, frozen=True, kw_only=True):
    """``GET /v1/submissions?after=ID&limit=N``: this host's own, in the order of their identifiers."""

    submissions: tuple[SubmissionLine, ...] = ()
    after: Id | None = None
    """Where the next page begins, or ``None`` on the last."""


# --- the agent's local socket ----------------------------------------------------------------------------------------


class RecallWish(Message, frozen=True, kw_only=True):
    """``POST /v1/objects/{id}/recall`` on the agent's socket. The same again changes nothing and says how far it is."""

    reason: Text | None = None
    """For the journal of this machine; it is not sent."""


class RecalledObject(Message, frozen=True, kw_only=True):
    """One of the submissions that were made of an object."""

    id: Id
    state: str
    """A ``model.ObjectState``."""
    standing: Literal["untouched", "stopped", "asked", "confirmed"]
    """Nothing of it ever left; stopped before anything left; the queue is asked to destroy it; it confirmed that."""
    detail: str = ""


class RecallView(Message, frozen=True, kw_only=True):
    """Everything of one object, and how far its recall is."""

    objects: Annotated[tuple[RecalledObject, ...], Meta(max_length=RECALLED_TOGETHER_MAX_COUNT)] = ()

    @property
    def settled(self) -> bool:
        """Whether the queue has nothing left to answer."""
        return all(each.standing != "asked" for each in self.objects)
