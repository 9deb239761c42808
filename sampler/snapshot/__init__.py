"""Fixes an object's bytes: opened once with the peer's rights, copied within ceiling and deadline, hashed on the way.

What this room owns: how a path or a passed descriptor becomes a private, unchangeable copy, and how that copy is read.
Invariants: a path is opened with no more rights than the peer has, never through a link in its last component, and only
regular files are ever read; the copy has exactly the bytes that its SHA-256 names, and nobody can write it afterwards;
a descriptor that was handed in is always closed; a file system that does not answer never keeps whoever calls. It
never parses what it copies and never moves a position.
"""

from sampler.snapshot.opening import OwnFile, open_own
from sampler.snapshot.reading import Hashes, hash_range, hashes, prove, read_range
from sampler.snapshot.taking import SnapshotTaker, abandon, release

__all__ = [
    "Hashes",
    "OwnFile",
    "SnapshotTaker",
    "abandon",
    "hash_range",
    "hashes",
    "open_own",
    "prove",
    "read_range",
    "release",
]
