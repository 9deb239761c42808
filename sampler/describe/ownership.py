"""Which package a file belongs to, and whether it still is as that package brought it: on Linux, what trust means.

Runs in the parent: it reads the package manager's records of this host and nothing of the object, whose digest is
handed in. Debian's packages are known here. RPM keeps its records in a database whose drivers this room may not load,
so on such a system ownership is unknown. The digest that dpkg keeps is MD5: nobody can make another file with a given
one, but whoever built a package could have built two files alike. Who is root can rewrite the records as well.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Final

from sampler.describe.dpkg import DpkgIndex, Owned, read_index, read_stamp
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


class DebianOwnership:
    """Answers from dpkg's records, which are read when they are first asked for and whenever they have changed.

    Several threads may ask at once; one of them reads.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._lock = threading.Lock()
        self._index: DpkgIndex | None = None

    def fields(self, path: bytes, md5: str) -> tuple[Field, ...]:
        """``package.*`` and ``sampler.file.trust`` of a file.

        Args:
            path: absolute, without links, ``.`` and ``..`` in it; of any other nothing is known.
            md5: of its content, in hex; empty where it is not known.
        """
        index = self._current()
        if index is None or not _is_plain(path):
            return (Field("sampler.file.trust", Trust.UNKNOWN.value),)
        owned = index.owner_of(path)
        if owned is None:
            return (Field("sampler.file.trust", Trust.UNPACKAGED.value),)
        return (*_package(owned), Field("sampler.file.trust", _trust(owned, md5).value))

    def _current(self) -> DpkgIndex | None:
        stamp = read_stamp(self._root)
        if not stamp:
            return None
        with self._lock:
            if self._index is None or self._index.stamp != stamp:
                self._index = read_index(self._root, stamp)
            return self._index


_THIS_HOST: Final = DebianOwnership()


def package_fields(path: bytes, md5: str) -> tuple[Field, ...]:
    """``package.*`` and ``sampler.file.trust`` of a file of this host; ``DebianOwnership.fields`` says of what."""
    return _THIS_HOST.fields(path, md5)


def _is_plain(path: bytes) -> bool:
    parts = path.split(b"/")
    plain = path.startswith(b"/") and len(path) <= PATH_MAX_BYTES and b"\n" not in path
    return plain and not {b"", b".", b".."} & set(parts[1:])


def _trust(owned: Owned, md5: str) -> Trust:
    if not owned.md5 or not md5:
        return Trust.UNKNOWN
    return Trust.UNMODIFIED if owned.md5 == md5.lower() else Trust.MODIFIED


def _package(owned: Owned) -> tuple[Field, ...]:
    package = owned.package
    values = (("name", package.name), ("version", package.version), ("architecture", package.architecture))
    texts = (Field(f"package.{name}", hostile_text(value)) for name, value in values if value)
    return (*texts, Field("package.type", "deb"))
