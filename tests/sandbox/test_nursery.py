"""Warming up, as far as it needs no process of its own; forking and reaping are in ``test_pool``."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from sampler.sandbox.framing import receive_frame, send_frame
from sampler.sandbox.messages import Failed, Fork, Warm, encode, from_nursery
from sampler.sandbox.nursery import serve_agent


def warm(entry: str) -> Warm:
    return Warm(entry, b"", tuple(os.fsencode(place) for place in sys.path), 1 << 30)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("sandbox_entries:prepare_failing", "LookupError: the rules of \\udcff are missing"),
        ("sandbox_entries:prepare_nothing", "TypeError: sandbox_entries:prepare_nothing returned bytes"),
        ("sandbox_entries:absent", "AttributeError"),
        ("no_such_module:prepare", "ModuleNotFoundError"),
        ("sandbox_entries", "AttributeError"),
    ],
)
def test_what_cannot_be_prepared(entries: Path, capfd: pytest.CaptureFixture[str], entry: str, why: str) -> None:
    """An entry that cannot be had is told to the agent with its reason and logged with its traceback."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_frame(ours, encode(warm(entry)))
        serve_agent(theirs)
        received = receive_frame(ours, deadline_seconds=10)
        assert received is not None
        answer = from_nursery(received[0])
        assert isinstance(answer, Failed)
        assert answer.message.startswith(why)
    assert "Traceback" in capfd.readouterr().err


def test_an_agent_that_goes_away_at_once() -> None:
    """An agent that closes before saying anything ends the nursery without a word."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        serve_agent(theirs)


def test_forking_before_warming() -> None:
    """Nothing is forked before the entry was prepared."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_frame(ours, encode(Fork()))
        with pytest.raises(TypeError, match="first message"):
            serve_agent(theirs)
