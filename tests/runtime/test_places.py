"""Default places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampler.runtime import places


def test_root_has_the_systems_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service run by root keeps to /etc, /var/lib and /run."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert places.config_folder({}) == Path("/etc/sampler")
    assert places.state_folder({}, "agent") == Path("/var/lib/sampler/agent")
    assert places.agent_socket({}) == Path("/run/sampler/agent.sock")


def test_a_person_has_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody else keeps to the XDG folders, or their usual places below home."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environment = {"HOME": "/h", "XDG_STATE_HOME": "/s"}
    assert places.config_folder(environment) == Path("/h/.config/sampler")
    assert places.state_folder(environment, "queue") == Path("/s/sampler/queue")


def test_what_ships_is_found_and_what_does_not_is_named() -> None:
    """rules/ is there; a folder that never shipped is an error that names it."""
    assert (places.shipped("rules")).is_dir()
    with pytest.raises(FileNotFoundError, match="nothing/ is neither"):
        places.shipped("nothing")
