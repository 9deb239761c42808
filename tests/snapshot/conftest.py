from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.model import Candidate, DescriptorSource, Failure, PathSource, Peer, Reason, Snapshot
from sampler.snapshot import SnapshotTaker, release

MakeCandidate = Callable[..., Candidate]


@pytest.fixture
def me() -> Peer:
    return Peer(uid=os.geteuid(), gid=os.getegid(), pid=os.getpid(), groups=tuple(os.getgroups()))


@pytest.fixture
def nobody() -> Peer:
    return Peer(uid=65534, gid=65534, pid=os.getpid())


@pytest.fixture
def candidate(me: Peer) -> MakeCandidate:
    def make(source: bytes | Path | int, *, peer: Peer = me) -> Candidate:
        return Candidate(
            event_id=str(uuid.uuid4()),
            received=datetime(2026, 11, 24, tzinfo=UTC),
            reason=Reason.DETECTION,
            peer=peer,
            source=DescriptorSource(source) if isinstance(source, int) else PathSource(os.fsencode(source)),
        )

    return make


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="sampler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def take(spool: Path) -> Iterator[Callable[..., Snapshot | Failure]]:
    """Take a snapshot that is released with the test."""
    with ExitStack() as releases:

        def run(wanted: Candidate, **options: object) -> Snapshot | Failure:
            taken = SnapshotTaker(spool, **options).take(wanted)  # type: ignore[arg-type]
            if isinstance(taken, Snapshot):
                releases.callback(release, taken)
            return taken

        yield run


@pytest.fixture
def descriptors() -> Callable[[], set[int]]:
    """The descriptors that are open in this process at the call."""

    def count() -> set[int]:
        return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}

    return count
