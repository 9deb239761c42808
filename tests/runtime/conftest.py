from __future__ import annotations

import os

import pytest

from sampler.model import Peer


@pytest.fixture
def me() -> Peer:
    return Peer(uid=os.geteuid(), gid=os.getegid(), pid=os.getpid(), groups=tuple(os.getgroups()))


@pytest.fixture
def nobody() -> Peer:
    return Peer(uid=65534, gid=65534, pid=os.getpid())
