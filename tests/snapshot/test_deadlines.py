from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sampler.limits import HANGING_CALLS_MAX_COUNT
from sampler.model import Candidate, Failure, ObjectState, Peer, Snapshot
from sampler.runtime import deadlines
from sampler.runtime.deadlines import StillHanging, within
from sampler.snapshot import abandon, filesystems, opening

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]
WAIT_SECONDS = 30.0


class Hang:
    """Makes one call of ``os`` on one descriptor wait, as a file system does that never answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        self._monkeypatch = monkeypatch

    def at(self, call: str, matches: Callable[[int], bool]) -> None:
        real = getattr(os, call)

        def hanging(descriptor: int, *rest: int) -> object:
            if matches(descriptor):
                self.go_on.wait(WAIT_SECONDS)
            return real(descriptor, *rest)

        self._monkeypatch.setattr(os, call, hanging)


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    """A file system that hangs until the test is over, and none hangs from before."""
    one = Hang(monkeypatch)
    monkeypatch.setattr(filesystems, "_ANSWERING", frozenset())
    yield one
    one.go_on.set()
    until(lambda: not deadlines._hanging)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    give_up_at = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, "it never came about"
        threading.Event().wait(0.005)


def is_open(place: Path) -> bool:
    return any(entry.exists() and entry.samefile(place) for entry in Path("/proc/self/fd").iterdir())


def timed_out(taken: Snapshot | Failure) -> bool:
    return isinstance(taken, Failure) and (taken.state, taken.code) == (ObjectState.TIMED_OUT, "deadline")


def opens(place: Path) -> Callable[[int], bool]:
    """Whether a descriptor is of this file."""
    inode = place.stat().st_ino
    real = os.fstat
    return lambda descriptor: real(descriptor).st_ino == inode


@pytest.mark.parametrize("call", ["pread", "close"])
def test_a_read_or_close_that_hangs(
    tmp_path: Path, candidate: MakeCandidate, take: Take, hang: Hang, call: str
) -> None:
    """A file whose bytes never come, or that never closes, is given up at the deadline, and closed once it can be."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    handles = iter([False] if call == "close" else [])  # the first close is of the handle that only found the file
    is_file = opens(file)
    hang.at(call, lambda descriptor: is_file(descriptor) and next(handles, True))
    assert timed_out(take(candidate(file), deadline_seconds=0.05))
    assert is_open(file)
    hang.go_on.set()
    until(lambda: not is_open(file))


def test_a_passed_descriptor_that_hangs(
    tmp_path: Path, candidate: MakeCandidate, take: Take, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passed descriptor whose file system does not answer costs the deadline, and is closed once that can be."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    passed = os.open(file, os.O_RDONLY)
    monkeypatch.setattr(opening.open_source, "__kwdefaults__", {"deadline_seconds": 0.05})
    hang.at("fstat", lambda descriptor: descriptor == passed)
    assert timed_out(take(candidate(passed)))
    hang.go_on.set()
    until(lambda: not is_open(file))


def test_what_was_taken_too_late_is_given_back(
    tmp_path: Path, candidate: MakeCandidate, take: Take, hang: Hang, descriptors: Callable[[], set[int]]
) -> None:
    """A copy that comes about after its deadline does not stay open."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    before = descriptors()
    is_file = opens(file)
    hang.at("pread", is_file)
    assert timed_out(take(candidate(file), deadline_seconds=0.05))
    hang.go_on.set()
    until(lambda: descriptors() == before)


def test_abandoning_what_never_closes(tmp_path: Path, candidate: MakeCandidate, hang: Hang) -> None:
    """A descriptor whose close hangs does not keep whoever abandons it."""
    file = tmp_path / "file"
    file.touch()
    passed = os.open(file, os.O_RDONLY)
    hang.at("close", lambda descriptor: descriptor == passed)
    abandon(candidate(passed))
    assert is_open(file)
    hang.go_on.set()
    until(lambda: not is_open(file))


def test_hanging_calls_of_one_user_are_counted(
    tmp_path: Path, candidate: MakeCandidate, take: Take, hang: Hang, descriptors: Callable[[], set[int]]
) -> None:
    """One user's hanging calls are bounded, cost nobody else theirs, and count no more once they came back."""
    me, before = os.geteuid(), descriptors()
    for _ in range(HANGING_CALLS_MAX_COUNT):
        with pytest.raises(TimeoutError):
            within(lambda: hang.go_on.wait(WAIT_SECONDS), uid=me, deadline_seconds=0.001, discard=lambda _: None)
    with pytest.raises(StillHanging):
        within(lambda: None, uid=me, deadline_seconds=10, discard=lambda _: None)
    assert within(lambda: "other", uid=me + 1, deadline_seconds=10, discard=lambda _: None) == "other"
    (tmp_path / "file").touch()
    mine = Peer(uid=me, gid=os.getegid(), pid=os.getpid())
    assert timed_out(take(candidate(tmp_path / "file", peer=mine)))
    assert timed_out(take(candidate(os.open(tmp_path / "file", os.O_RDONLY), peer=mine)))
    assert descriptors() == before
    hang.go_on.set()
    until(lambda: not deadlines._hanging)
    assert within(lambda: "mine", uid=me, deadline_seconds=10, discard=lambda _: None) == "mine"


def test_no_thread_is_to_be_had(tmp_path: Path, candidate: MakeCandidate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without threads to spare is told from a bug, and descriptors are closed all the same."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(StillHanging, match="no thread is to be had"):
        within(lambda: None, uid=1, deadline_seconds=10, discard=lambda _: None)
    (tmp_path / "file").touch()
    abandon(candidate(os.open(tmp_path / "file", os.O_RDONLY)))
    assert not is_open(tmp_path / "file")
