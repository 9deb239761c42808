from __future__ import annotations

import os
import platform
import threading
from pathlib import Path

import pytest

from sampler.model import Peer
from sampler.runtime.rights import RightsUnavailable, is_trusted, with_rights_of
from sampler.snapshot import opening


def discard_nothing(late: object) -> None:
    raise AssertionError(f"nothing was late, least of all {late}")


def test_work_runs_and_its_result_comes_back(me: Peer) -> None:
    """Work for the agent's own user runs on a thread of its own and returns."""
    name = with_rights_of(me, lambda: threading.current_thread().name, deadline_seconds=10, discard=discard_nothing)
    assert name == "may-hang"


def test_errors_come_back(me: Peer) -> None:
    """What work raises is raised to the caller."""
    with pytest.raises(FileNotFoundError):
        with_rights_of(me, lambda: os.truncate("/no/such/file", 0), deadline_seconds=10, discard=discard_nothing)


def test_an_open_that_never_returns_is_given_up(me: Peer) -> None:
    """Work that hangs is left behind at the deadline, and its late result is thrown away, not lost."""
    go_on, thrown_away = threading.Event(), threading.Event()
    late: list[str] = []

    def hang() -> str:
        go_on.wait(30)
        return "late"

    def discard(result: str) -> None:
        late.append(result)
        thrown_away.set()

    with pytest.raises(TimeoutError):
        with_rights_of(me, hang, deadline_seconds=0.01, discard=discard)
    go_on.set()
    assert thrown_away.wait(30)
    assert late == ["late"]


def test_a_hanging_path_times_out(me: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path whose file system never answers ends as timed out."""
    go_on = threading.Event()
    monkeypatch.setattr(opening, "_open_regular", lambda path, *, trusted: go_on.wait(30) and None)
    failure = opening.open_path(b"/hangs", me, deadline_seconds=0.01)
    go_on.set()
    assert not isinstance(failure, opening.Opened)
    assert (failure.state.value, failure.code) == ("timed_out", "deadline")


def test_agent_without_root_takes_on_nothing(nobody: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that is not root cannot have another user's rights, and says so before it does anything."""
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    with pytest.raises(RightsUnavailable, match="not run as root"):
        with_rights_of(nobody, lambda: None, deadline_seconds=10, discard=discard_nothing)


def test_unknown_architecture(nobody: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system calls' numbers are not known, no call is made."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(RightsUnavailable, match="vax"):
        with_rights_of(nobody, lambda: None, deadline_seconds=10, discard=discard_nothing)


def test_refused_identity() -> None:
    """An identity that the kernel does not take stops the work before it begins."""
    ran = threading.Event()
    with pytest.raises(RightsUnavailable):
        with_rights_of(Peer(0xFFFFFFFF, 65534, 1), ran.set, deadline_seconds=10, discard=discard_nothing)
    assert not ran.is_set()


def test_refused_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that the kernel does not take stop the work before it begins."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ran = threading.Event()
    with pytest.raises(RightsUnavailable, match="groups"):
        with_rights_of(Peer(65534, 65534, 1, (0xFFFFFFFF,)), ran.set, deadline_seconds=10, discard=discard_nothing)
    assert not ran.is_set()


def test_whose_rights_need_no_change(me: Peer, nobody: Peer) -> None:
    """Root and the agent's own user are trusted with the agent's rights, others are not."""
    assert is_trusted(me)
    assert is_trusted(Peer(0, 0, 1))
    assert not is_trusted(nobody)


def test_the_thread_has_the_peers_identity(nobody: Peer) -> None:
    """The work's thread has the peer's user, group and groups for files, and this thread keeps its own."""

    def identity() -> dict[str, list[str]]:
        with open("/proc/thread-self/status") as status:
            lines = [line.split() for line in status if line.startswith(("Uid:", "Gid:", "Groups:", "CapEff:"))]
        return {name: values for name, *values in lines}

    peer = Peer(nobody.uid, nobody.gid, 1, groups=(41, 4242))
    before = identity()
    if os.geteuid() == 0:
        there = with_rights_of(peer, identity, deadline_seconds=10, discard=discard_nothing)
        assert (there["Uid:"][3], there["Gid:"][3], there["Groups:"]) == ("65534", "65534", ["41", "4242"])
        dac_override, dac_read_search = 1 << 1, 1 << 2
        assert int(there["CapEff:"][0], 16) & (dac_override | dac_read_search) == 0
    else:
        with pytest.raises(RightsUnavailable):
            with_rights_of(peer, identity, deadline_seconds=10, discard=discard_nothing)
    assert identity() == before


@pytest.mark.parametrize("name", ["mem", "maps", "fd"])
def test_the_kernel_judges_a_process_by_the_peer(nobody: Peer, name: str) -> None:
    """Memory, map and descriptors of another user's process are closed to work with a peer's rights."""

    def look() -> int:
        handle = os.open(f"/proc/{os.getppid()}/{name}", os.O_RDONLY)
        os.read(handle, 1)  # the map opens for everybody, and judges when it is read
        return handle

    expected: type[Exception] = PermissionError if os.geteuid() == 0 else RightsUnavailable
    with pytest.raises(expected):
        with_rights_of(nobody, look, deadline_seconds=10, discard=os.close)


def test_no_capability_is_left(nobody: Peer) -> None:
    """On the thread that has a peer's rights no capability is in effect, and none can be had back."""

    def capabilities() -> list[str]:
        status = Path("/proc/thread-self/status").read_text()
        return [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapInh"))]

    if os.geteuid() != 0:
        with pytest.raises(RightsUnavailable):
            with_rights_of(nobody, capabilities, deadline_seconds=10, discard=discard_nothing)
        return
    for line in with_rights_of(nobody, capabilities, deadline_seconds=10, discard=discard_nothing):
        assert int(line.split()[1], 16) == 0, line
