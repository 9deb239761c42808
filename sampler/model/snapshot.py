"""Bytes that do not change any more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileStat:
    """What the file system said of the source when it was opened (fstat(2)); times in nanoseconds since 1970 UTC."""

    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    ctime_ns: int
    atime_ns: int
    device: int
    inode: int
    attributes: tuple[tuple[str, bytes], ...] = ()
    """The extended attributes that tell an origin; hostile text."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A private, unchangeable copy of an object's bytes.

    ``descriptor`` is a sealed memfd or an unnamed file; read it by offset (``os.pread``), never by its position.
    It belongs to whoever took the snapshot, who closes it.
    """

    descriptor: int
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal, of all ``size`` bytes."""
    stat: FileStat
    path: bytes | None = None
    is_file: bool = True
    """False for bytes that were sent: ``stat`` then tells of the agent's own unnamed file, not of the object."""
