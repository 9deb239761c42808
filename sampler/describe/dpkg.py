"""dpkg's own records of what it installed (``/var/lib/dpkg``): which package owns a path, and the digest it had.

The records are read as data of this host, written by root; no content of an object is looked at, and no program is
run. What is kept in memory is small: eight bytes a path, and what ``status`` says of each package. It is read anew
once a folder or file of it has changed. Never raises: what cannot be read is absent.
"""

from __future__ import annotations

import itertools
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sampler.describe.merged_usr import aliases, merged_folders
from sampler.limits import MIB

PACKAGES_MAX_COUNT: Final = 1 << 16
"""A package's number has sixteen bits in the index."""
PATHS_MAX_COUNT: Final = 4_000_000
RECORD_MAX_BYTES: Final = 64 * MIB
"""One file of the records; ``status`` is the largest, with a kilobyte a package."""
OWNERS_MAX_COUNT: Final = 32
"""Packages of one path that are looked at: all architectures of a library share its documentation."""

_FOLDER: Final = "var/lib/dpkg"
_HASH_MASK: Final = 0x7FFF_FFFF_FFFF_0000
_FIELD: Final = re.compile(rb"^(Package|Version|Architecture|Multi-Arch): *(.*)$", re.MULTILINE)
_CONFFILES: Final = re.compile(rb"^Conffiles:\n((?: .*\n?)*)", re.MULTILINE)
_MD5: Final = re.compile(rb"[0-9a-f]{32}")

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """One package that dpkg knows."""

    name: str
    version: str
    architecture: str
    conffiles: Mapping[bytes, str] = field(default_factory=dict)
    """MD5 of each configuration file as the package brought it, by absolute path."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A path that a package owns."""

    package: DebianPackage
    md5: str
    """As the package brought it, in hex; empty where dpkg keeps none."""


@dataclass(frozen=True, slots=True)
class DpkgIndex:
    """The records as they were when they were read; ``stamp`` tells whether they still are."""

    root: str
    stamp: Stamp
    entries: array[int]
    """Sorted; in each the upper 48 bits of a path's hash and the number of a package that has it."""
    stems: tuple[str, ...]
    """By number: the start of a package's file names, ``libc6:amd64``."""
    packages: Mapping[str, DebianPackage]
    """By stem."""
    diverted: Mapping[bytes, tuple[bytes, str]]
    """Path → where dpkg puts it instead, and the package that may still have the path; empty for an administrator."""
    merged: tuple[str, ...]

    def owner_of(self, path: bytes) -> Owned | None:
        """Who brought the file that lies at this absolute path, or ``None``."""
        for name, divertee in self._names(path):
            for owned, stem in self._owners(name):
                if divertee is None or (stem.partition(":")[0] == divertee[1]) == divertee[0]:
                    return owned
        return None

    def _names(self, path: bytes) -> Iterator[tuple[bytes, tuple[bool, str] | None]]:
        """What packages may call the path, and whether the owner must or must not be the one that diverts it."""
        for name in aliases(path, self.merged):
            moved = self.diverted.get(name)
            yield name, (True, moved[1]) if moved else None
            for original, (target, package) in self.diverted.items():
                if target == name:
                    yield original, (False, package)

    def _owners(self, name: bytes) -> Iterator[tuple[Owned, str]]:
        start = bisect_left(self.entries, hash(name) & _HASH_MASK)
        for entry in self.entries[start : start + OWNERS_MAX_COUNT]:
            if entry & _HASH_MASK != hash(name) & _HASH_MASK:
                return
            stem = self.stems[entry & ~_HASH_MASK]
            package = self.packages.get(stem)
            if package is not None and self._lists(stem, name):
                yield Owned(package, self._md5_of(stem, package, name)), stem

    def _lists(self, stem: str, name: bytes) -> bool:
        """Whether the package really has the path: hashes of different paths can be alike."""
        return b"\n" + name + b"\n" in b"\n" + _read(_info(self.root, f"{stem}.list"))

    def _md5_of(self, stem: str, package: DebianPackage, name: bytes) -> str:
        if name in package.conffiles:
            return package.conffiles[name]
        sums = b"\n" + _read(_info(self.root, f"{stem}.md5sums"))
        end = sums.find(b"  " + name[1:] + b"\n")
        digest = sums[end - 32 : end]
        return digest.decode() if end > 32 and sums[end - 33] == 0x0A and _MD5.fullmatch(digest) else ""


def read_stamp(root: str) -> Stamp:
    """What changes when dpkg installs or removes anything; empty where there is no dpkg."""
    folder = Path(root, _FOLDER)
    try:
        return tuple((folder / name).stat().st_mtime_ns for name in ("info", "status")) + _stamp_of_diversions(folder)
    except OSError:
        return ()


def _stamp_of_diversions(folder: Path) -> Stamp:
    """Of a file that not every system has."""
    try:
        return ((folder / "diversions").stat().st_mtime_ns,)
    except FileNotFoundError:
        return ()


def read_index(root: str, stamp: Stamp) -> DpkgIndex:
    """Everything that dpkg keeps of this system, which takes some tenths of a second."""
    stems = tuple(_stems(root))
    return DpkgIndex(
        root=root,
        stamp=stamp,
        entries=_entries(root, stems),
        stems=stems,
        packages=_packages(_read(Path(root, _FOLDER, "status"))),
        diverted=_diversions(_read(Path(root, _FOLDER, "diversions"))),
        merged=merged_folders(root),
    )


def _info(root: str, name: str) -> Path:
    return Path(root, _FOLDER, "info", name)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(RECORD_MAX_BYTES)
    except OSError:
        return b""


def _stems(root: str) -> Iterable[str]:
    try:
        names = [path.name for path in _info(root, "").iterdir()]
    except OSError:
        return ()
    return sorted(name.removesuffix(".list") for name in names if name.endswith(".list"))[:PACKAGES_MAX_COUNT]


def _entries(root: str, stems: tuple[str, ...]) -> array[int]:
    entries: list[int] = []
    for number, stem in enumerate(stems):
        lines = _read(_info(root, f"{stem}.list")).split(b"\n")
        entries += [hash(line) & _HASH_MASK | number for line in lines[: PATHS_MAX_COUNT - len(entries)]]
    return array("q", sorted(entries))


def _packages(status: bytes) -> dict[str, DebianPackage]:
    """By the start of their file names, which has the architecture where several can be installed together."""
    packages: dict[str, DebianPackage] = {}
    for paragraph in itertools.islice(status.split(b"\n\n"), PACKAGES_MAX_COUNT):
        values = {name: value.decode("utf-8", "replace") for name, value in _FIELD.findall(paragraph)}
        name, architecture = values.get(b"Package", ""), values.get(b"Architecture", "")
        package = DebianPackage(name, values.get(b"Version", ""), architecture, _conffiles(paragraph))
        packages[f"{name}:{architecture}" if values.get(b"Multi-Arch") == "same" else name] = package
    return packages


def _conffiles(paragraph: bytes) -> dict[bytes, str]:
    found = _CONFFILES.search(paragraph)
    rows = [line.split() for line in found[1].splitlines()] if found else []
    return {row[0]: row[1].decode() for row in rows if len(row) > 1 and _MD5.fullmatch(row[1])}


def _diversions(data: bytes) -> dict[bytes, tuple[bytes, str]]:
    """Three lines each: the path, where it goes, and whose diversion it is (``:`` for the administrator's)."""
    lines = data.split(b"\n")
    triples = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
    return {
        path: (target, "" if owner == b":" else owner.decode("utf-8", "replace")) for path, target, owner in triples
    }
