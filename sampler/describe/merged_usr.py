"""Systems whose ``/bin``, ``/lib`` … are links into ``/usr``, while packages may still name their files by either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_MERGED: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")


def merged_folders(root: str) -> tuple[str, ...]:
    """Those top-level folders of a system that are links."""
    return tuple(name for name in _MERGED if Path(root, name).is_symlink())


def aliases(path: bytes, merged: Sequence[str]) -> Iterator[bytes]:
    """What packages may call an absolute path."""
    yield path
    for folder in merged:
        short, long = b"/%s/" % folder.encode(), b"/usr/%s/" % folder.encode()
        if path.startswith(short):
            yield b"/usr" + path
        elif path.startswith(long):
            yield path[4:]
