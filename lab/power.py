"""A power cut: an XFS on a loop device is shut down without its log being written, mounted again, and gone on with.

What was written and not made durable is gone then, and a name that was given without its folder being made durable.
Needs root, loop devices and xfsprogs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SIZE_BYTES: Final = 8 << 30
"""Sparse; above the reserve that a queue keeps free."""
_TIMEOUT_SECONDS: Final = 60


def cannot() -> str:
    """Why a power cut cannot be made here; empty when it can."""
    missing = [name for name in ("mkfs.xfs", "xfs_io", "mount", "umount") if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "it takes root"
    return f"not installed: {', '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system that can lose its power."""

    image: Path
    folder: Path

    def cut(self) -> None:
        """Lose what is not durable; whoever has files open here gets errors from now on."""
        _run("xfs_io", "-x", "-c", "shutdown", str(self.folder))

    def again(self) -> None:
        """Mount it anew, once nobody has files open."""
        _unmount(self.folder)
        _run("mount", "-o", "loop", str(self.image), str(self.folder))


@contextlib.contextmanager
def disk(near: Path) -> Iterator[Disk]:
    """A new file system, gone at the end."""
    made = Disk(near / "disk.img", near / "disk")
    made.folder.mkdir()
    with made.image.open("wb") as file:
        file.truncate(_SIZE_BYTES)
    _run("mkfs.xfs", "-q", str(made.image))
    _run("mount", "-o", "loop", str(made.image), str(made.folder))
    try:
        yield made
    finally:
        _unmount(made.folder)


def _unmount(folder: Path) -> None:
    """As soon as those that were killed are gone, and their children."""
    until = time.monotonic() + _TIMEOUT_SECONDS
    while subprocess.run(["umount", folder], check=False, capture_output=True).returncode and time.monotonic() < until:
        time.sleep(0.05)
    if folder.is_mount():
        _run("umount", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_SECONDS)
