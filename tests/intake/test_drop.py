"""Which dropped files are ready, whose they are, and which are refused."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from sampler.errors import RequestError
from sampler.intake import drop
from sampler.intake.drop import DropFolder, Look
from sampler.model import PathSource, Reason

LATER = time.time_ns() + 3600 * 10**9
SETTLE = 2.0
STRANGER = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir(mode=0o700)
    return made


def look(folder: Path, now_ns: int = LATER, known: frozenset[str] = frozenset()) -> Look:
    return DropFolder(folder, SETTLE).look(now_ns, known)


def ready(folder: Path) -> list[str]:
    return [Path(os.fsdecode(dropped.path)).name for dropped in look(folder).ready]


def test_files_are_ready_once_they_have_settled(folder: Path) -> None:
    """Before that, it is known how long to wait."""
    file = folder / "file"
    file.write_text("x")
    changed = file.stat().st_ctime_ns
    early = look(folder, changed + 10**9)
    assert early.ready == []
    assert early.wait_seconds == pytest.approx(1, abs=0.01)
    assert [dropped.path for dropped in look(folder, changed + 2 * 10**9).ready] == [os.fsencode(file)]


def test_a_file_with_a_time_to_come_does_not_wait_for_it(folder: Path) -> None:
    """Anybody can set a time; a file that is said to be of the next century is looked at now."""
    (folder / "file").write_text("x")
    os.utime(folder / "file", ns=(LATER * 2, LATER * 2))
    assert ready(folder) == ["file"]


def test_only_regular_files_directly_in_it_count(folder: Path) -> None:
    """No link, no FIFO, nothing in a folder below."""
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_text("x")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "fifo")
    (folder / "b").write_text("x")
    (folder / "a").write_text("x")
    assert ready(folder) == ["a", "b"]


def test_a_file_is_taken_with_its_owners_rights(folder: Path, now: datetime) -> None:
    """And with none of anybody else's groups."""
    (folder / "file").write_text("x")
    if os.geteuid() == 0:
        os.chown(folder / "file", STRANGER, STRANGER)
    (dropped,) = look(folder).ready
    candidate = dropped.candidate(now)
    status = (folder / "file").stat()
    assert (candidate.peer.uid, candidate.peer.gid, candidate.peer.groups) == (status.st_uid, status.st_gid, ())
    assert candidate.source == PathSource(os.fsencode(folder / "file"))
    assert candidate.reason is Reason.POLICY


def test_one_state_of_a_file_has_one_identifier(folder: Path) -> None:
    """It is the same at every look, and another when time or size are; what is known is not ready again."""
    file = folder / "file"
    file.write_text("x")
    first = look(folder).ready[0].event_id
    assert look(folder).ready[0].event_id == first
    assert look(folder, known=frozenset({first})).ready == []
    file.write_text("xy")
    assert look(folder, known=frozenset({first})).ready[0].event_id != first


def test_a_file_with_two_names_is_refused(folder: Path, tmp_path: Path) -> None:
    """A hard link to somebody else's file is no way to have that read."""
    (tmp_path / "secret").write_text("secret")
    os.link(tmp_path / "secret", folder / "mine")
    found = look(folder)
    assert found.ready == []
    ((path, reason),) = found.refused
    assert (path, "several names" in reason) == (os.fsencode(folder / "mine"), True)


def test_where_others_may_write_nothing_of_roots_is_taken(folder: Path) -> None:
    """Anybody could have moved it there; a stranger's own file is taken."""
    folder.chmod(0o1777)
    (folder / "ours").write_text("x")
    (folder / "theirs").write_text("x")
    if os.geteuid() == 0:
        os.chown(folder / "theirs", STRANGER, STRANGER)
    found = look(folder)
    taken = [os.path.basename(dropped.path) for dropped in found.ready]
    assert taken == ([b"theirs"] if os.geteuid() == 0 else [])
    assert (os.fsencode(folder / "ours"), True) in [(path, "root" in reason) for path, reason in found.refused]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o730])
def test_a_folder_in_which_others_could_exchange_files_is_left_alone(folder: Path, mode: int) -> None:
    """Writable by others and not sticky: the error says what to do."""
    folder.chmod(mode)
    with pytest.raises(RequestError, match=r"chmod \+t"):
        look(folder)


def test_a_folder_that_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    """Absent, or a link to one."""
    (tmp_path / "link").symlink_to(folder)
    for path in (tmp_path / "absent", tmp_path / "link"):
        with pytest.raises(RequestError, match="no folder to take files from"):
            look(path)


def test_a_look_is_bounded_and_goes_on_after_the_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files come in several looks, each once."""
    monkeypatch.setattr(drop, "DROPPED_AT_ONCE_MAX_COUNT", 2)
    for name in "abcde":
        (folder / name).write_text("x")
    watched, seen, after = DropFolder(folder, SETTLE), b"", b""
    while found := watched.look(LATER, (), after=after).ready:
        assert len(found) <= 2
        seen += b"".join(os.path.basename(dropped.path) for dropped in found)
        after = found[-1].path
    assert seen == b"abcde"


def test_a_taken_file_is_removed_and_another_state_of_it_is_not(folder: Path) -> None:
    """What came in its place meanwhile has not been looked at."""
    watched = DropFolder(folder, SETTLE)
    (folder / "a").write_text("x")
    (folder / "b").write_text("x")
    first, second = look(folder).ready
    (folder / "b").write_text("changed")
    assert (watched.remove(first), watched.remove(second)) == (True, False)
    assert [file.name for file in folder.iterdir()] == ["b"]
    assert watched.remove(first)
