"""What a peer may ask to have captured, and how it is refused."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.intake.captures import read_capture
from sampler.intake.problems import Rejected
from sampler.model import ActivitySource, BootSource, Candidate, Peer, ProcessMemorySource, Reason, Sampling, Subject

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"


def read(uid: int = 0, **message: Any) -> Candidate:
    peer = Peer(uid=uid, gid=uid, pid=1)
    return read_capture(json.dumps(message).encode(), peer, event_id=EVENT, received=NOW)


def test_memory_by_address_and_permission() -> None:
    """Every criterion reaches the selection, the process is the one concerned, and people ask unless they say so."""
    target = {
        "type": "memory", "pid": os.getpid(), "started": 7, "permissions": ["rwx"],
        "ranges": [{"start": "1000", "end": "2000"}], "match_window_bytes": 16,
    }  # fmt: skip
    candidate = read(target=target, wants="parts")
    assert isinstance(candidate.source, ProcessMemorySource)
    selection = candidate.source.selection
    assert (selection.permissions, selection.ranges, selection.match_window_bytes) == (("rwx",), ((4096, 8192),), 16)
    assert (candidate.pid, candidate.source.started, candidate.reason) == (os.getpid(), 7, Reason.ANALYST)
    assert (candidate.subject, candidate.event_id, candidate.wants) == (Subject.MEMORY, EVENT, Sampling.PARTS)


def test_boot_and_activity() -> None:
    """A path in either spelling; a report is always one whole."""
    assert read(target={"type": "boot", "path_hex": b"/dev/\xff".hex()}).source == BootSource(b"/dev/\xff")
    report = read(target={"type": "activity", "pid": os.getpid()})
    assert report.source == ActivitySource(os.getpid())
    assert (report.wants, report.subject) == (Sampling.WHOLE, Subject.ACTIVITY)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ({"type": "boot"}, "path"),
        ({"type": "boot", "path": "relative"}, "$.target.path"),
        ({"type": "boot", "path": "/a", "path_hex": "2f"}, "$.target.path_hex"),
        ({"type": "memory", "pid": 0}, "pid"),
        ({"type": "memory", "pid": 2**22 + 1}, "pid"),
        ({"type": "memory", "pid": 1, "permissions": ["xwr"]}, "permissions"),
        ({"type": "memory", "pid": 1, "ranges": [{"start": "2000", "end": "1000"}]}, "$.target"),
        ({"type": "memory", "pid": 1, "ranges": [{"start": "0x1", "end": "2"}]}, "ranges"),
        ({"type": "memory", "pid": 1, "match_window_bytes": 2**30}, "match_window_bytes"),
        ({"type": "disk"}, "type"),
        ({"type": "activity", "pid": 1, "environment": True}, "environment"),
    ],
)
def test_what_cannot_be(target: dict[str, Any], place: str) -> None:
    """A value that cannot be is refused and named by its place."""
    with pytest.raises(Rejected) as refused:
        read(target=target)
    assert refused.value.status == 422
    assert place in str(refused.value)


def test_another_users_process() -> None:
    """A process of another user is refused before anything is read of it."""
    with pytest.raises(Rejected, match="another user"):
        read(uid=4711, target={"type": "memory", "pid": 1})


def test_what_is_no_json() -> None:
    """Bytes that are no JSON are a bad request."""
    with pytest.raises(Rejected) as refused:
        read_capture(b"{", Peer(0, 0, 1), event_id=EVENT, received=NOW)
    assert refused.value.status == 400
