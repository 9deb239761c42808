"""Objects that this host ended by itself: what journal and queue may say of them, and what they may not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sampler.agent.reconcile_checks import with_queue, within
from sampler.agent.reconcile_facts import Facts, Trail
from sampler.model import ObjectState, SubmissionState
from sampler.wire.recall_messages import SubmissionLine

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ID = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"


def facts(state: ObjectState) -> Facts:
    return Facts(ID, state, state, NOW, None, None)


@pytest.mark.parametrize(
    ("state", "kinds", "codes"),
    [
        (ObjectState.EVICTED, {"permitted", "evicted"}, []),
        (ObjectState.EVICTED, {"approved", "offered", "evicted"}, []),
        (ObjectState.EVICTED, {"permitted"}, ["no-evicted"]),
        (ObjectState.EVICTED, {"evicted"}, ["no-approved"]),
        (ObjectState.EXPIRED, {"permitted", "expired"}, []),
        (ObjectState.EXPIRED, {"permitted"}, ["no-denied"]),
    ],
)
def test_ends_are_in_the_journal(state: ObjectState, kinds: set[str], codes: list[str]) -> None:
    """What made room or waited too long was permitted, and the journal has its end."""
    assert [each.code for each in within(facts(state), Trail(kinds=kinds), complete=True)] == codes


@pytest.mark.parametrize("state", [ObjectState.EVICTED, ObjectState.EXPIRED])
@pytest.mark.parametrize(("kinds", "codes"), [({"permitted", "offered"}, []), ({"permitted"}, ["not-sent"])])
def test_what_the_queue_has_of_them(state: ObjectState, kinds: set[str], codes: list[str]) -> None:
    """What had been offered may have arrived with its answer lost; what had not cannot be there."""
    line = SubmissionLine(id=ID, state=SubmissionState.QUEUED, received=NOW, manifest="a" * 64)
    assert [each.code for each in with_queue(facts(state), Trail(kinds=kinds), line)] == codes
    assert list(with_queue(facts(state), Trail(kinds=kinds), None)) == []
