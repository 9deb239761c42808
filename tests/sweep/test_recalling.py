"""What is known of a walk's files before anything is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.model import RuleMatch, Scanned
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep import Contexts, FileFailure, FileReport, recalled, state_of
from sampler.walk import Found, NotWalked, Walked, walk

CONTEXTS = Contexts("v1", ("filename", "owner"), "limits")
CLEAN = Scanned("ab" * 32, 3, "text/plain")
FOUND = Scanned("cd" * 32, 3, "text/plain", (RuleMatch("r", "n", (), (), (), 0),))


def status_with(**values: int) -> os.stat_result:
    """What stat(2) could tell; times in nanoseconds."""
    fields = {"dev": 1, "ino": 2, "size": 3, "uid": 4, "mtime_ns": 5, "ctime_ns": 6} | values
    plain = (0o100644, fields["ino"], fields["dev"], 1, fields["uid"], 0, fields["size"], 0, 0, 0)
    names = {"st_mtime_ns": fields["mtime_ns"], "st_ctime_ns": fields["ctime_ns"]}
    return os.stat_result(plain, names)


def remember(memory: ScanMemory, files: Mapping[bytes, Scanned], contexts: Contexts = CONTEXTS) -> None:
    for path, scanned in files.items():
        folder, name = os.path.split(path)
        memory.remember(contexts.of_folder(folder), name, state_of(os.lstat(path)), b"", scanned)
    memory._flush()


def files_below(tree: Path) -> list[bytes]:
    return [file.path for file in walk([os.fsencode(tree)])]


@pytest.fixture
def filled(tree: Path) -> Path:
    """Files in a folder, in one within it between them, and beside that."""
    (tree / "b").mkdir()
    for name in ("a", "b/one", "b/two", "c", "d"):
        (tree / name).write_bytes(b"hay")
    return tree


def test_outcomes_keep_the_order_of_the_walk(filled: Path, memory: ScanMemory) -> None:
    """Known, unknown and not walked ones alike, with the folders that lie between the files of another."""
    walked: list[Walked] = list(walk([os.fsencode(filled)]))
    walked.insert(3, NotWalked(os.fsencode(filled / "b" / "x"), "gone"))
    remember(memory, {walked[0].path: CLEAN, walked[2].path: FOUND, walked[5].path: CLEAN})
    told = list(recalled(walked, CONTEXTS, memory))
    assert [one.path for one in told] == [one.path for one in walked]
    kinds = [FileReport, Found, FileReport, FileFailure, Found, FileReport]
    assert [type(one) for one in told] == kinds
    assert told[2] == FileReport(walked[2].path, FOUND, "v1", recalled=True)
    assert told[1] is walked[1]


def test_many_files_of_a_folder(tree: Path, memory: ScanMemory) -> None:
    """More than are asked for at once: each is known by its own result, and none twice."""
    for number in range(600):
        (tree / f"{number:03}").touch()
    scanned = {path: Scanned(f"{number:064x}", 0, "x/y") for number, path in enumerate(files_below(tree))}
    remember(memory, scanned)
    told = list(recalled(walk([os.fsencode(tree)]), CONTEXTS, memory))
    assert {one.path: getattr(one, "scanned", None) for one in told} == scanned
    assert len(told) == 600


def test_the_walk_is_not_far_ahead(tree: Path, memory: ScanMemory) -> None:
    """However many files a folder has, a bounded number is held, and looked at before the first is told."""
    seen: list[bytes] = []

    def counted() -> object:
        for number in range(1000):
            seen.append(b"")
            yield Found(b"/folder/%d" % number, status_with())

    next(recalled(counted(), CONTEXTS, memory))  # type: ignore[arg-type]
    assert len(seen) <= 257


def test_without_a_memory_nothing_is_known(filled: Path) -> None:
    """Every file comes as it was found."""
    assert list(recalled(walk([os.fsencode(filled)]), CONTEXTS, None)) == list(walk([os.fsencode(filled)]))


def test_files_with_matches_are_read_for_their_bytes(filled: Path, memory: ScanMemory) -> None:
    """And clean ones are not."""
    paths = files_below(filled)
    remember(memory, dict.fromkeys(paths, CLEAN) | {paths[1]: FOUND})
    told = list(recalled(walk([os.fsencode(filled)]), CONTEXTS, memory, hit_bytes=True))
    assert [one.path for one in told if isinstance(one, Found)] == [paths[1]]


def test_a_moved_folder_is_unknown(filled: Path, memory: ScanMemory) -> None:
    """Rules can be told of a path: files keep their state when a folder above them is renamed, and not their result."""
    remember(memory, dict.fromkeys(files_below(filled), CLEAN))
    assert all(isinstance(one, FileReport) for one in recalled(walk([os.fsencode(filled)]), CONTEXTS, memory))
    (filled / "b").rename(filled / "e")
    told = recalled(walk([os.fsencode(filled)]), CONTEXTS, memory)
    names = [os.path.relpath(one.path, os.fsencode(filled)) for one in told if isinstance(one, Found)]
    assert names == [b"e/one", b"e/two"]


@pytest.mark.parametrize("field", ["dev", "ino", "size", "uid", "mtime_ns", "ctime_ns"])
@given(one=st.integers(0, 2**64 - 1), other=st.integers(0, 2**64 - 1))
def test_states_differ_in_whatever_tells_files_apart(field: str, one: int, other: int) -> None:
    """Two states are the same exactly if everything is."""
    states = [state_of(status_with(**{field: number})) for number in (one, other)]
    assert (states[0] == states[1]) == (one == other)


@given(mtime_ns=st.integers(-(2**94), 2**94), ctime_ns=st.integers(-(2**94), 2**94))
def test_any_time_makes_a_state(mtime_ns: int, ctime_ns: int) -> None:
    """Any user can set a time to any year (utimensat(2)): no such file ends a scan."""
    assert len(state_of(status_with(mtime_ns=mtime_ns, ctime_ns=ctime_ns))) == 48
