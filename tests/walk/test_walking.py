"""Walking trees: regular files only, no links, nothing silently left out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sampler.walk import Found, NotWalked, Selection, walk, walking

DEEP = 2_500
"""More than paths can name and more than Python recurses."""


def names(folder: Path, selection: Selection | None = None) -> list[str]:
    steps = walk([os.fsencode(folder)], selection or Selection())
    return [os.fsdecode(step.path).removeprefix(f"{folder}/") for step in steps if isinstance(step, Found)]


def make(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A chain of ``DEEP`` folders, each with a file beside the next one."""
    folder = tmp_path_factory.mktemp("deep")
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=above)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=above)
        os.close(os.open("e", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=below))
        os.close(above)
        above = below
    os.close(above)
    yield folder / "d"
    subprocess.run(["rm", "-rf", str(folder / "d")], check=True)


def test_regular_files_below_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Files of sub-folders included; what is no regular file is not."""
    make(tmp_path, "b/inner", "a", "c")
    os.mkfifo(tmp_path / "fifo")
    assert names(tmp_path) == ["a", "b/inner", "c"]


def test_each_comes_with_what_lstat_said(tmp_path: Path) -> None:
    """Whoever goes on with it needs no second look."""
    make(tmp_path, "file")
    (found,) = walk([os.fsencode(tmp_path)])
    assert isinstance(found, Found)
    assert found.status == (tmp_path / "file").lstat()


def test_links_are_never_followed(tmp_path: Path) -> None:
    """Neither a link to a file nor one to a folder, nor one that leads back up."""
    make(tmp_path, "real")
    (tmp_path / "file-link").symlink_to("real")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["real"]


def test_a_link_given_by_name_is_said(tmp_path: Path) -> None:
    """Who asked for it learns that nothing was done."""
    make(tmp_path, "real")
    (tmp_path / "link").symlink_to("real")
    assert list(walk([os.fsencode(tmp_path / "link")])) == [
        NotWalked(os.fsencode(tmp_path / "link"), "is a symbolic link, which is not followed")
    ]


def test_what_is_absent_is_said(tmp_path: Path) -> None:
    """A path that does not exist is not silently nothing."""
    (absent,) = walk([os.fsencode(tmp_path / "absent")])
    assert isinstance(absent, NotWalked)
    assert "No such file" in absent.detail


def test_what_goes_meanwhile_is_said(tmp_path: Path) -> None:
    """A file and a folder removed between listing and looking are reported, and the walk goes on."""
    make(tmp_path, "a", "b/inner", "c", "d")
    steps = walk([os.fsencode(tmp_path)])
    assert isinstance(next(steps), Found)
    (tmp_path / "b" / "inner").unlink()
    (tmp_path / "b").rmdir()
    (tmp_path / "c").unlink()
    rest = list(steps)
    assert [step.path[-1:] for step in rest if isinstance(step, NotWalked)] == [b"b", b"c"]
    assert [step.path[-1:] for step in rest if isinstance(step, Found)] == [b"d"]


def test_a_folder_exchanged_for_a_link_does_not_lead_away(tmp_path: Path) -> None:
    """Who moves a folder that is being walked, and puts a link in its place, shows the walk nothing else."""
    make(tmp_path, "tree/a/1", "tree/a/2/inner", "other/2/secret")
    steps = walk([os.fsencode(tmp_path / "tree")])
    assert isinstance(next(steps), Found)
    (tmp_path / "tree" / "a").rename(tmp_path / "moved")
    (tmp_path / "tree" / "a").symlink_to(tmp_path / "other")
    assert [step.path.rpartition(b"/")[2] for step in steps] == [b"inner"]


def test_names_are_bytes(tmp_path: Path) -> None:
    """A name that is not UTF-8 comes back as it is on the disk."""
    odd = os.fsencode(tmp_path) + b"/\xff\n"
    os.close(os.open(odd, os.O_CREAT | os.O_WRONLY, 0o600))
    assert [step.path for step in walk([os.fsencode(tmp_path)])] == [odd]


def test_another_file_system_is_passed_over() -> None:
    """As with ``find -xdev``: /proc is there, full of regular files, and mounted."""
    others = tuple(f"/{entry.name}" for entry in Path("/").iterdir() if entry.is_dir() and entry.name != "proc")
    assert [step.path for step in walk([b"/"], Selection(exclude=others)) if step.path.startswith(b"/proc")] == []


def test_a_tree_too_deep_for_paths_is_walked_as_far_as_paths_reach(deep: Path) -> None:
    """Every file that a path can name is found, and the first folder beyond is said, once."""
    steps = list(walk([os.fsencode(deep)]))
    found = [step.path for step in steps if isinstance(step, Found)]
    (lost,) = [step for step in steps if isinstance(step, NotWalked) if step.path.endswith(b"/d")]
    assert len(lost.path) in (4096, 4097)
    assert "too long" in lost.detail
    assert len(found) == (4095 - len(os.fsencode(deep))) // 2
    assert all(len(path) < 4096 for path in found)


def test_few_descriptors_are_held_however_deep_it_goes(deep: Path, descriptors: Callable[[], set[int]]) -> None:
    """And none after the walk was given up in the middle."""
    before = len(descriptors())
    steps = walk([os.fsencode(deep)])
    most = max(len(descriptors()) for _, _ in zip(range(1000), steps, strict=False))
    assert most <= before + 33
    del steps
    assert len(descriptors()) == before


def test_a_way_back_that_was_moved_is_said(tmp_path: Path) -> None:
    """What is left of a folder that cannot be found again from below is reported, and nothing else is taken for it."""
    top = tmp_path / "tree"
    depth = 50
    make(top, "z", "/".join(["d"] * depth) + "/file")
    make(top, "d/d/z")
    steps = walk([os.fsencode(top)])
    assert isinstance(next(steps), Found)
    make(tmp_path, "elsewhere/z")
    (top / "d" / "d" / "d").rename(tmp_path / "elsewhere" / "d")
    assert [step.path for step in steps if isinstance(step, Found)] == []
    lost = [step.path for step in walk([os.fsencode(top)])]
    assert lost == [os.fsencode(top / "d/d/z"), os.fsencode(top / "z")]


def test_more_entries_than_are_looked_at_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without end costs no memory without end, and the walk does not look complete."""
    monkeypatch.setattr(walking, "FOLDER_ENTRIES_MAX_COUNT", 3)
    make(tmp_path, "a", "b", "c", "d")
    steps = list(walk([os.fsencode(tmp_path)]))
    assert len([step for step in steps if isinstance(step, Found)]) == 3
    assert [step.detail for step in steps if isinstance(step, NotWalked)] == [
        "has more than 3 entries; the others are left out"
    ]


def test_folders_that_are_excluded_are_not_entered(tmp_path: Path) -> None:
    """What cannot be listed in one is not even said."""
    make(tmp_path, "a/b/file", "c/file")
    steps = walk([os.fsencode(tmp_path)], Selection(exclude=("b", f"{tmp_path}/c/**")))
    (tmp_path / "a" / "b" / "file").unlink()
    assert list(steps) == []


def test_a_folder_given_by_name_can_be_excluded(tmp_path: Path) -> None:
    """The selection holds for what is named as for what is found."""
    make(tmp_path, "a/file")
    assert names(tmp_path / "a", Selection(exclude=("a",))) == []
    assert names(tmp_path / "a" / "file", Selection(include=("*.py",))) == []


def test_files_without_a_wanted_name_are_left_out_wherever_they_are(tmp_path: Path) -> None:
    """An include pattern is no reason to pass a folder over."""
    make(tmp_path, "a/b/c.py", "a/b/c.txt", "d.py")
    assert names(tmp_path, Selection(include=("*.py",))) == ["a/b/c.py", "d.py"]
