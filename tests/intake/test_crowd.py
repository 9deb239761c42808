from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from sampler.intake.crowd import Crowd
from sampler.model import Peer

ROOT, ME = Peer(0, 0, 1), Peer(os.geteuid(), os.getegid(), 1)
ONE, OTHER = Peer(12345, 12345, 1), Peer(12346, 12346, 1)


def test_one_user_gets_half() -> None:
    """A user that is neither root nor the agent's own cannot keep the others out."""
    crowd = Crowd(4)
    with ExitStack() as inside:
        admitted = [inside.enter_context(crowd.entered(peer)) for peer in (ONE, ONE, ONE, OTHER, ROOT, ME)]
    assert admitted == [True, True, False, True, True, False]


@pytest.mark.parametrize("peer", [ROOT, ME])
def test_root_and_the_agents_user_get_all(peer: Peer) -> None:
    """Who could stop the agent anyway may use all of it."""
    crowd = Crowd(3)
    with ExitStack() as inside:
        assert [inside.enter_context(crowd.entered(peer)) for _ in range(4)] == [True, True, True, False]


def test_places_come_back() -> None:
    """Whoever leaves makes room, and who was sent away takes none with it."""
    crowd = Crowd(1)
    for _ in range(3):
        with crowd.entered(ONE) as first, crowd.entered(ONE) as second:
            assert (first, second) == (True, False)
    with pytest.raises(KeyError), crowd.entered(ONE):
        raise KeyError
    with crowd.entered(OTHER) as admitted:
        assert admitted
