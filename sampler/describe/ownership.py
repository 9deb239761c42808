"""Which package a file belongs to, and whether it still is as that package brought it: on Linux, what trust means.

Runs in the parent: it reads the package manager's records of this host and nothing of the object, whose digests are
handed in. The digest that dpkg keeps is MD5: nobody can make another file with a given one, but whoever built a package
could have built two files alike; rpm's is SHA-256 in all but old packages. Who is root can rewrite the records as well.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sampler.describe.dpkg import DpkgIndex, read_index, read_stamp
from sampler.describe.merged_usr import merged_folders
from sampler.describe.rpm import RpmFile, RpmRecords, owners_of
from sampler.describe.text import hostile_text
from sampler.limits import PATH_MAX_BYTES
from sampler.model import Field


class Trust(StrEnum):
    """What the package manager says of a file."""

    UNMODIFIED = "packaged-unmodified"
    MODIFIED = "packaged-modified"
    UNPACKAGED = "unpackaged"
    UNKNOWN = "unknown"
    """There are no records here, or none of this file's digest."""


class Ownership(Protocol):
    """A package manager's answers."""

    def fields(self, path: bytes, digests: Digests) -> tuple[Field, ...]:
        """``package.*`` and ``sampler.file.trust`` of a file.

        Args:
            path: absolute, without links, ``.`` and ``..`` in it; of any other nothing is known.
            digests: of its content.
        """


@dataclass(frozen=True, slots=True)
class Digests:
    """Of a file's content, in hex; empty where one is not known."""

    md5: str = ""
    sha256: str = ""


class DebianOwnership:
    """Answers from dpkg's records, which are read when they are first asked for and whenever they have changed.

    Several threads may ask at once; one of them reads.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._lock = threading.Lock()
        self._index: DpkgIndex | None = None

    def fields(self, path: bytes, digests: Digests) -> tuple[Field, ...]:
        """As ``Ownership.fields``."""
        index = self._current()
        if index is None or not _is_plain(path):
            return (_said(Trust.UNKNOWN),)
        owned = index.owner_of(path)
        if owned is None:
            return (_said(Trust.UNPACKAGED),)
        package = owned.package
        named = _package(package.name, package.version, package.architecture, "deb")
        return (*named, _said(_trust(owned.md5, digests.md5)))

    def _current(self) -> DpkgIndex | None:
        stamp = read_stamp(self._root)
        if not stamp:
            return None
        with self._lock:
            if self._index is None or self._index.stamp != stamp:
                self._index = read_index(self._root, stamp)
            return self._index


class RpmOwnership:
    """Answers from rpm's database, which is asked each time."""

    def __init__(self, records: RpmRecords, root: str = "/") -> None:
        self._records = records
        self._merged = merged_folders(root)

    def fields(self, path: bytes, digests: Digests) -> tuple[Field, ...]:
        """As ``Ownership.fields``; of several owners one whose file it is."""
        if not _is_plain(path):
            return (_said(Trust.UNKNOWN),)
        owners = [(_trust_of_rpm(owned, digests), owned) for owned in owners_of(self._records, path, self._merged)]
        if not owners:
            return (_said(Trust.UNPACKAGED),)
        trust, owned = next((each for each in owners if each[0] is Trust.UNMODIFIED), owners[0])
        return (*_package(owned.name, owned.version, owned.architecture, "rpm"), _said(trust))


def ownership_here(records: RpmRecords, root: str = "/") -> Ownership:
    """Of this host: rpm's where it has a database and dpkg has no records, dpkg's otherwise."""
    if records.present() and not read_stamp(root):
        return RpmOwnership(records, root)
    return DebianOwnership(root)


def _said(trust: Trust) -> Field:
    return Field("sampler.file.trust", trust.value)


def _trust_of_rpm(owned: RpmFile, digests: Digests) -> Trust:
    known = {"md5": digests.md5, "sha256": digests.sha256}.get(owned.algorithm, "")
    return _trust(owned.digest, known)


def _is_plain(path: bytes) -> bool:
    parts = path.split(b"/")
    plain = path.startswith(b"/") and len(path) <= PATH_MAX_BYTES and b"\n" not in path
    return plain and not {b"", b".", b".."} & set(parts[1:])


def _trust(brought: str, present: str) -> Trust:
    if not brought or not present:
        return Trust.UNKNOWN
    return Trust.UNMODIFIED if brought == present.lower() else Trust.MODIFIED


def _package(name: str, version: str, architecture: str, kind: str) -> tuple[Field, ...]:
    values = (("name", name), ("version", version), ("architecture", architecture))
    texts = (Field(f"package.{key}", hostile_text(value)) for key, value in values if value)
    return (*texts, Field("package.type", kind))
