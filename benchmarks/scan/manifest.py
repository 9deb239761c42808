"""What a corpus holds: every file with its size and SHA-256, and one digest over all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self


@dataclass(frozen=True, order=True)
class Entry:
    """One file of the corpus."""

    path: str
    """Relative to the corpus."""
    size: int
    sha256: str

    def line(self) -> str:
        """As it stands in the manifest."""
        return f"{self.sha256} {self.size} {self.path}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """The entry of a line of the manifest."""
        sha256, size, path = line.split(" ", 2)
        return cls(path, int(size), sha256)


@dataclass(frozen=True)
class Manifest:
    """All files of a folder, sorted by their paths."""

    folder: Path
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read and hash every file below ``folder``."""
        entries = sorted(_entry(folder, path) for path in _files(folder))
        return cls(folder, tuple(entries))

    @classmethod
    def load(cls, file: Path, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        return cls(folder, tuple(Entry.parse(line) for line in file.read_text("ascii").splitlines()))

    def save(self, file: Path) -> None:
        """Write one line a file."""
        file.write_text("".join(f"{entry.line()}\n" for entry in self.entries), "ascii")

    @property
    def byte_count(self) -> int:
        """Of all files together."""
        return sum(entry.size for entry in self.entries)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all lines: two corpora with the same digest hold the same bytes under the same names."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(f"{entry.line()}\n".encode("ascii"))
        return digest.hexdigest()

    @property
    def paths(self) -> list[str]:
        """Absolute, in order."""
        return [str(self.folder / entry.path) for entry in self.entries]

    def is_what_lies_there(self) -> bool:
        """Whether the folder still holds these files with these sizes; contents are not read."""
        there = {str(path.relative_to(self.folder)): path.stat().st_size for path in _files(self.folder)}
        return there == {entry.path: entry.size for entry in self.entries}

    def __str__(self) -> str:
        return f"{len(self.entries)} files, {self.byte_count / 1e6:.0f} MB, manifest {self.digest[:16]}"


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder, followlinks=False):
        yield from (path for name in names if (path := Path(place, name)).is_file() and not path.is_symlink())


def _entry(folder: Path, path: Path) -> Entry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Entry(str(path.relative_to(folder)), path.stat().st_size, digest.hexdigest())
