from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from sampler.agent.previewing import without_strangers
from sampler.model import Candidate, PathSource, Peer, Reason


def candidate(uid: int, pid: int | None) -> Candidate:
    peer = Peer(uid, uid, 1)
    return Candidate("0" * 36, datetime(2026, 1, 1, tzinfo=UTC), Reason.DETECTION, peer, PathSource(b"/x"), pid=pid)


@pytest.mark.parametrize(("uid", "kept"), [(0, True), (os.geteuid(), True), (os.geteuid() + 4242, False)])
def test_facts_of_a_process_are_shown_to_its_owner_and_to_root(uid: int, kept: bool) -> None:
    """A peer cannot have the agent read a stranger's process for it by way of a preview."""
    assert (without_strangers(candidate(uid, os.getpid())).pid is not None) is kept


def test_a_process_that_is_gone_belongs_to_nobody() -> None:
    """Where the owner cannot be learnt, nothing of the process is shown."""
    assert without_strangers(candidate(4242, 4_194_304)).pid is None
    assert without_strangers(candidate(4242, None)).pid is None
