from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.intake.problems import Rejected
from sampler.intake.requests import Flag, read_flag, read_listing
from sampler.limits import PATH_MAX_BYTES
from sampler.model import ObjectState, PathSource, Peer, Reason

ME = Peer(os.geteuid(), os.getegid(), os.getpid())
OTHER = Peer(12345, 12345, os.getpid())
TEXT = st.text(st.sampled_from("/a.-0{\0\n\x7f\u00e4\u2028\U0001f600\ud800"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["id", "path", "path_hex", "descriptor", "reason", "detections", "pid", "origin_url", "wants", "else"]
)


def _read(data: bytes) -> Flag | Rejected:
    try:
        return read_flag(data, ME)
    except Rejected as rejected:
        return rejected


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes are a request or a refusal with 400 or 422, never another error."""
    outcome = _read(data)
    assert isinstance(outcome, Flag) or outcome.status in (400, 422)


@settings(deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_any_json(message: dict[str, Any]) -> None:
    """JSON of any shape is a request whose path can be opened, or a refusal that says what is wrong."""
    outcome = _read(json.dumps(message).encode())
    if isinstance(outcome, Rejected):
        assert outcome.status in (400, 422)
        assert str(outcome)
    else:
        assert outcome.path is None or PathSource(outcome.path)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300).filter(lambda path: b"\0" not in path))
def test_any_path_survives(path: bytes) -> None:
    """Every path that a file system can have arrives byte for byte, as hexadecimal and, where it is text, as text."""
    path = b"/" + path
    assert read_flag(json.dumps({"path_hex": path.hex()}).encode(), ME).path == path
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return
    assert read_flag(json.dumps({"path": text}).encode(), ME).path == path


@pytest.mark.parametrize("length", [PATH_MAX_BYTES, PATH_MAX_BYTES + 1])
def test_longest_path(length: int) -> None:
    """A path may have PATH_MAX bytes and not one more."""
    data = json.dumps({"path_hex": (b"/" * length).hex()}).encode()
    if length == PATH_MAX_BYTES:
        assert read_flag(data, ME).path == b"/" * length
    else:
        with pytest.raises(Rejected):
            read_flag(data, ME)


def test_text_that_is_no_path_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system's encoding lacks a character, the peer is told to send the bytes."""
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii"))
    with pytest.raises(Rejected, match="path_hex"):
        read_flag('{"path": "/\u00e4"}'.encode(), ME)


def test_lone_surrogate() -> None:
    """Half of a character is no path."""
    with pytest.raises(Rejected):
        read_flag(rb'{"path": "/\ud800"}', ME)


@pytest.mark.parametrize("reason", list(Reason))
def test_reasons(reason: Reason) -> None:
    """Every reason of the model can be given."""
    assert read_flag(json.dumps({"reason": reason}).encode(), ME).reason is reason


def test_own_identifier_comes_first() -> None:
    """The peer's own identifier is kept, and a made one stands in for a missing one."""
    own, made = "01234567-89ab-cdef-0123-456789abcdef", "11111111-1111-1111-1111-111111111111"
    for body, expected in ((json.dumps({"id": own}), own), ("{}", made)):
        candidate = read_flag(body.encode(), ME).candidate(
            PathSource(b"/x"), event_id=made, received=datetime(2026, 1, 1, tzinfo=UTC)
        )
        assert candidate.event_id == expected


def test_whose_process() -> None:
    """A peer may name its own process or one that has ended, not a process of another user; root may name any."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert read_flag(json.dumps({"pid": ended.pid}).encode(), OTHER).pid == ended.pid
    mine = json.dumps({"pid": os.getpid()}).encode()
    assert read_flag(mine, ME).pid == os.getpid()
    assert read_flag(mine, Peer(0, 0, 1)).pid == os.getpid()
    with pytest.raises(Rejected, match="another user"):
        read_flag(mine, OTHER)


@pytest.mark.parametrize("state", list(ObjectState))
def test_listing_of_every_state(state: ObjectState) -> None:
    """Every state can be asked for."""
    assert read_listing({"state": state, "limit": "1000"}).state == state


@pytest.mark.parametrize(
    "query",
    [{"after": "x" * 257}, {"state": ""}, {"limit": ""}, {"limit": "1e3"}, {"limit": "00001"}, {"Limit": "1"}],
)
def test_bad_listing(query: dict[str, str]) -> None:
    """What is no cursor, state, limit or key is refused."""
    with pytest.raises(Rejected) as caught:
        read_listing(query)
    assert caught.value.status == 422
