"""Suspicious bytes on a worker's disk."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from sampler.worker.private_files import remove_tree, scratch_folder, write_privately


async def _chunks(*chunks: bytes, fail: bool = False) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk
    if fail:
        raise ValueError("the source broke")


async def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """The written file has mode 0600 even where the process would make files for everybody."""
    before = os.umask(0)
    try:
        assert await write_privately(tmp_path / "file", _chunks(b"ab", b"", b"c")) == 3
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"abc"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


async def test_a_broken_source_leaves_nothing(tmp_path: Path) -> None:
    """When the bytes end in an error, that error comes out and no file stays."""
    with pytest.raises(ValueError, match="the source broke"):
        await write_privately(tmp_path / "file", _chunks(b"ab", fail=True))
    assert list(tmp_path.iterdir()) == []


async def test_a_scratch_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    """Nobody else can look into the folder, and it is removed when its user fails."""

    async def use() -> None:
        async with scratch_folder(tmp_path) as folder:
            assert folder.parent == tmp_path
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "file").write_bytes(b"x")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        await use()
    assert list(tmp_path.iterdir()) == []


def test_locked_folders_and_links_are_removed(tmp_path: Path) -> None:
    """Folders without any right, and links to elsewhere, go; what the links point to stays as it is."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (tmp_path / "kept").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").write_text("x")
    (tree / "link").symlink_to(outside)
    (tree / "other").symlink_to(tmp_path / "kept")
    (tree / "a" / "b").chmod(0)
    (tree / "a").chmod(0)
    remove_tree(tree)
    assert sorted(left.name for left in tmp_path.iterdir()) == ["kept", "outside"]
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500
