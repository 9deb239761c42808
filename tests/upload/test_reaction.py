"""What each failure means for its object and for all others."""

from __future__ import annotations

import pytest

from sampler.errors import (
    IdentityRefused,
    JournalError,
    QueueBusy,
    QueueFaulty,
    QueueRefused,
    QueueUnreachable,
    SamplerError,
    SpoolError,
)
from sampler.model import ObjectState
from sampler.upload.reaction import PATIENT, PROMPT, Postpone, Reject, react


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_rejected(status: int) -> None:
    """Only what the queue understood and refused for what it is, is given up."""
    assert react(QueueRefused("no", status)) == Reject("no")


def test_taken_back() -> None:
    """An object that the queue knows as recalled ends as that here too, as after a restored backup."""
    assert react(QueueRefused("no", 410, "recalled")) == Reject("no", ObjectState.RECALLED)


@pytest.mark.parametrize("status", [402, 404, 405, 410, 412, 415, 423, 426, 451])
def test_wrong_queue(status: int) -> None:
    """Other refusals may come from a wrong URL or version: the object waits for a person."""
    reaction = react(QueueRefused("no", status))
    assert isinstance(reaction, Postpone)
    assert (reaction.backoff, reaction.shared) == (PATIENT, False)


@pytest.mark.parametrize("error", [QueueRefused("no", 401), QueueRefused("no", 403), IdentityRefused("no")])
def test_identity(error: SamplerError) -> None:
    """A refused identity concerns everything and takes a person."""
    reaction = react(error)
    assert isinstance(reaction, Postpone)
    assert (reaction.backoff, reaction.shared) == (PATIENT, True)


def test_away_and_busy() -> None:
    """A queue that is away or busy concerns everything and passes by itself; its own wish is kept."""
    assert react(QueueUnreachable("gone")) == Postpone("gone", PROMPT, shared=True)
    assert react(QueueBusy("full", 30.0)) == Postpone("full", PROMPT, shared=True, at_least_seconds=30.0)
    assert react(QueueBusy("full")) == Postpone("full", PROMPT, shared=True)


def test_one_object() -> None:
    """A failure of the queue over one object, or of this host's spool, concerns that object alone."""
    assert react(QueueFaulty("500")) == Postpone("500", PROMPT)
    assert react(SpoolError("gone")) == Postpone("gone", PATIENT)
    assert react(JournalError("full")) == Postpone("full", PATIENT)
