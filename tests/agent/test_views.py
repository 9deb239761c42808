"""Records as local peers see them."""

from __future__ import annotations

import os
from datetime import datetime

import pytest

from sampler.agent.views import printable, view_of
from sampler.model import ObjectRecord, ObjectState, Peer, Reason

OWNER, STRANGER = 4242, 4243


@pytest.fixture
def record(now: datetime) -> ObjectRecord:
    return ObjectRecord(
        event_id="0e7f3c52-9d4b-4a53-8a55-1f0f6f6f3a11",
        state=ObjectState.UNREADABLE,
        created=now,
        updated=now,
        uid=OWNER,
        reason=Reason.DETECTION,
        path=b"/home/erika/secret plans.doc",
        detail="permission: /home/erika/secret plans.doc",
    )


@pytest.mark.parametrize("uid", [OWNER, 0, os.geteuid()])
def test_names_are_for_who_flagged_them_and_for_root(record: ObjectRecord, uid: int) -> None:
    """The one who flagged it, root and the agent's own user see what it is called."""
    assert view_of(record, Peer(uid, uid, 1)).name == "/home/erika/secret plans.doc"


def test_others_see_the_state_and_no_name(record: ObjectRecord) -> None:
    """Nothing of a name is in what another user sees, the detail included."""
    view = view_of(record, Peer(STRANGER, STRANGER, 1))
    assert view.state == "unreadable"
    assert "secret" not in repr(view)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/a/b", "/a/b"),
        ("/ä/π".encode(), "/ä/π"),
        (b"/a\nb", "/a\\nb"),
        (b"/\x1b[2J", "/\\x1b[2J"),
        (b"/\xff", "/\\xff"),
        (b"/\xe2\x80\xaeexe.txt", "/\\u202eexe.txt"),
    ],
)
def test_paths_for_people_move_no_cursor(path: bytes, text: str) -> None:
    """Control characters, text direction and bytes that are no text are escaped."""
    assert printable(path) == text
