"""What is compared: for each format its files, and the programs and libraries that read the same files.

A new format is a new row; a peer that is a library is a function in ``loop.py`` and a name here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.extract import pe_corpus
from sampler.limits import MIB
from sampler.runtime.places import shipped

FILES_MAX_COUNT: Final = 400
FILES_MIN_COUNT: Final = 60
"""Fewer are read several times, so that there is something to measure."""
FILE_MAX_BYTES: Final = 32 * MIB
_LIST: Final = "{list}"


@dataclass(frozen=True, slots=True)
class Peer:
    """One other reader."""

    name: str
    command: tuple[str, ...]
    """``{list}`` stands for the file with the names of all files, one a line."""
    needs: str
    """The program or the module without which it is left out."""
    is_loop: bool = False
    """It says itself how long its files took, so that the start of Python is nobody's; else the whole run counts."""

    def on(self, listed: Path) -> tuple[str, ...]:
        """The command for the files of a list."""
        return tuple(str(listed) if word == _LIST else word for word in self.command)


@dataclass(frozen=True, slots=True)
class FormatRow:
    """One format."""

    name: str
    files: Callable[[Path], list[Path]]
    """Those to read, given the folder of the bench; empty where there are none."""
    peers: tuple[Peer, ...]


def library(name: str, module: str) -> Peer:
    """A peer that is a Python library."""
    return Peer(name, (sys.executable, "-m", "benchmarks.extract.loop", name, _LIST), module, is_loop=True)


def program(name: str, *command: str) -> Peer:
    """A peer that is a program, called with a part of the list at a time."""
    return Peer(name, ("xargs", "--arg-file", _LIST, "--delimiter", r"\n", *command), name)


def beginning_with(*magics: bytes) -> Callable[[Path], list[Path]]:
    """Files by their first bytes: of the scanning bench's corpus, if it is there, and of the samples."""

    def files(bench: Path) -> list[Path]:
        found = [path for path in _candidates(bench) if _begins(path, magics)]
        chosen = found[:: max(1, len(found) // FILES_MAX_COUNT)][:FILES_MAX_COUNT]
        return chosen * (-(-FILES_MIN_COUNT // len(chosen)) if chosen else 0)

    return files


def _candidates(bench: Path) -> Iterator[Path]:
    for folder in (shipped("samples_fixture"), bench / "corpus"):
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _begins(path: Path, magics: tuple[bytes, ...]) -> bool:
    if not 0 < path.stat().st_size <= FILE_MAX_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(8).startswith(magics)


def _programs(_bench: Path) -> list[Path]:
    """Every fourth: pefile takes minutes for all of them."""
    return pe_corpus.fetch()[::4]


ROWS: Final = (
    FormatRow("pe", _programs, (library("lief-pe", "lief"), library("pefile", "pefile"))),
    FormatRow(
        "elf",
        beginning_with(b"\x7fELF"),
        (
            program("readelf", "-n", "16", "readelf", "--wide", "--all"),
            library("lief-elf", "lief"),
            library("pyelftools", "elftools"),
        ),
    ),
    FormatRow(
        "macho", beginning_with(b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02"), (library("lief-macho", "lief"),)
    ),
    FormatRow(
        "zip",
        beginning_with(b"PK\x03\x04"),
        (program("unzip", "-n", "1", "unzip", "-l"), library("zipfile", "zipfile")),
    ),
    FormatRow("ole", beginning_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), (library("oletools", "oletools"),)),
    FormatRow("pdf", beginning_with(b"%PDF-"), (library("pypdf", "pypdf"),)),
)
"""In the order in which they are run."""
