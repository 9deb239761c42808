"""Durable writes: the old file or the new one, never half of either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.runtime.durable import make_private_folder, write_durably


def test_content_and_mode_are_as_asked(tmp_path: Path) -> None:
    """The file holds the chunks in order and nobody else can read it."""
    write_durably(tmp_path / "a", iter([b"one", b"two"]))
    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_failure_halfway_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """What was there stays, whole, and no temporary file is left."""

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise OSError("the source failed")

    write_durably(tmp_path / "a", b"old")
    with pytest.raises(OSError, match="the source failed"):
        write_durably(tmp_path / "a", broken())
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_file_and_folder_are_synced_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync of the file comes before the rename, fsync of the folder after it."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        steps.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync file")
        fsync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_durably(tmp_path / "a", b"x")
    assert steps == ["fsync file", "rename", "fsync folder"]


def test_private_folder_is_private(tmp_path: Path) -> None:
    """A new folder is closed to others; an existing one is left as it is."""
    made = make_private_folder(tmp_path / "x" / "y")
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o755)
    assert make_private_folder(made).stat().st_mode & 0o777 == 0o755


def test_modes_hold_whatever_the_umask(tmp_path: Path) -> None:
    """What every user is to read is readable also where the service runs under umask 077."""
    before = os.umask(0o077)
    try:
        folder = make_private_folder(tmp_path / "open", mode=0o755)
        write_durably(folder / "a", b"x", mode=0o644)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "a").stat().st_mode & 0o777 == 0o644
