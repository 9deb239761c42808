"""Walking trees: regular files only, no links, nothing silently left out."""

from __future__ import annotations

import os
from pathlib import Path

from sampler.intake.walking import NotWalked, walk


def names(folder: Path) -> list[bytes]:
    return [path for path in walk([os.fsencode(folder)]) if isinstance(path, bytes)]


def test_regular_files_below_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Files of sub-folders included; what is no regular file is not."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner").write_text("")
    (tmp_path / "a").write_text("")
    (tmp_path / "c").write_text("")
    os.mkfifo(tmp_path / "fifo")
    found = [os.fsdecode(path) for path in names(tmp_path)]
    assert found == [str(tmp_path / name) for name in ("a", "b/inner", "c")]


def test_links_are_never_followed(tmp_path: Path) -> None:
    """Neither a link to a file nor one to a folder, nor one that leads back up."""
    (tmp_path / "real").write_text("")
    (tmp_path / "file-link").symlink_to("real")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == [os.fsencode(tmp_path / "real")]


def test_what_is_given_by_name_is_yielded_whatever_it_is(tmp_path: Path) -> None:
    """A link given by name reaches the one who opens, who says what is wrong with it."""
    (tmp_path / "link").symlink_to("nowhere")
    assert names(tmp_path / "link") == [os.fsencode(tmp_path / "link")]


def test_what_is_absent_is_said(tmp_path: Path) -> None:
    """A path that does not exist is not silently nothing."""
    (absent,) = walk([os.fsencode(tmp_path / "absent")])
    assert isinstance(absent, NotWalked)
    assert "No such file" in absent.detail


def test_a_folder_that_goes_meanwhile_is_said(tmp_path: Path) -> None:
    """A folder removed between listing and entering is reported, and the walk goes on."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "file").write_text("")
    (tmp_path / "c").write_text("")
    steps = walk([os.fsencode(tmp_path / "a"), os.fsencode(tmp_path)])
    (tmp_path / "a").rmdir()
    outcome = list(steps)
    assert [step.path for step in outcome if isinstance(step, NotWalked)] == [os.fsencode(tmp_path / "a")]
    assert os.fsencode(tmp_path / "c") in outcome


def test_names_are_bytes(tmp_path: Path) -> None:
    """A name that is not UTF-8 comes back as it is on the disk."""
    odd = os.fsencode(tmp_path) + b"/\xff\n"
    os.close(os.open(odd, os.O_CREAT | os.O_WRONLY, 0o600))
    assert names(tmp_path) == [odd]
