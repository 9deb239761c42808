"""rpm's own records of what it installed: which package owns a path, and the digest it had. Never raises.

The database is asked for the names that the file could have; nothing of it is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sampler.describe import rpm_header as tags
from sampler.describe.merged_usr import aliases
from sampler.describe.rpm_header import RpmHeader

_ALGORITHMS: Final = {None: "md5", 1: "md5", 8: "sha256"}
"""Numbers of OpenPGP (RFC 4880, section 9.4); a header without one is older than the choice."""


class RpmRecords(Protocol):
    """rpm's database of a system."""

    def present(self) -> bool:
        """Whether there is one."""

    def installed(self, folder: bytes, basename: bytes) -> Sequence[tuple[bytes, int]]:
        """Headers of packages that have this folder, which ends in ``/``, and a file of this name; and its place."""


@dataclass(frozen=True, slots=True)
class RpmFile:
    """A path that a package of rpm owns."""

    name: str
    version: str
    """With epoch and release, as ``rpm -q`` shows it: ``1:1.2-3``."""
    architecture: str
    algorithm: str
    """``md5``, ``sha256``, or empty for one that is not looked at."""
    digest: str
    """As the package brought it, in hex; empty where rpm keeps none."""


def owners_of(records: RpmRecords, path: bytes, merged: Sequence[str]) -> Iterator[RpmFile]:
    """Who brought the file that lies at this absolute path: each package that has it."""
    for name in aliases(path, merged):
        split = name.rindex(b"/") + 1
        folder, basename = name[:split], name[split:]
        for blob, place in records.installed(folder, basename):
            header = RpmHeader(blob)
            if _path_of(header, place) == (folder, basename):
                yield _file(header, place)


def _path_of(header: RpmHeader, place: int) -> tuple[bytes | None, bytes | None]:
    directory = header.number(tags.DIRECTORY_INDEXES, place)
    folder = None if directory is None else header.text(tags.DIRECTORIES, directory)
    return folder, header.text(tags.BASENAMES, place)


def _file(header: RpmHeader, place: int) -> RpmFile:
    name, version, release, architecture = (
        (header.text(tag) or b"").decode("utf-8", "replace")
        for tag in (tags.NAME, tags.VERSION, tags.RELEASE, tags.ARCH)
    )
    epoch = header.number(tags.EPOCH)
    return RpmFile(
        name=name,
        version=f"{epoch}:{version}-{release}" if epoch else f"{version}-{release}",
        architecture=architecture,
        algorithm=_ALGORITHMS.get(header.number(tags.FILE_DIGEST_ALGORITHM), ""),
        digest=(header.text(tags.FILE_DIGESTS, place) or b"").decode("ascii", "replace"),
    )
