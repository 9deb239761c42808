"""The files of a journal: closed segments, which nobody writes any more, and the one that is written.

``journal.jsonl`` is written; a closed segment is named for its first entry, ``journal-000000000001.jsonl``, and is
read-only from then on. The names sort as the chain runs. A reader takes no lock: it opens the written file first and
lists the others then, so that a file that is closed meanwhile is read once.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sampler.errors import JournalError
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES, KIB

JOURNAL: Final = "journal.jsonl"
HEAD: Final = "journal.head"
LOCK: Final = "journal.lock"
CHECKPOINT: Final = "journal.checked"
"""What the last start verified."""
NEXT: Final = ".journal.next"
"""A file that is about to become the written one; of no worth after a crash."""
REPAIRING: Final = "journal.repairing"
"""What the new journal begins with, while the damaged one is set aside."""
_CLOSED: Final = re.compile(r"journal-(\d{12})\.jsonl")
_TORN: Final = re.compile(r"journal\.torn-(\d{1,18})")
_BLOCK_BYTES: Final = 64 * KIB


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A closed segment."""

    first: int
    """The number of its first entry, as its name has it."""
    path: Path


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or what a crash left of one, and where it is."""

    file: str
    number: int
    """From 1, in its file; 0 where it was read from the end."""
    data: bytes

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.file}, line {self.number}" if self.number else self.file


def closed_name(first: int) -> str:
    """What the segment that begins with this entry is called once it is closed."""
    return f"journal-{first:012}.jsonl"


def closed_segments(folder: Path) -> tuple[Segment, ...]:
    """The closed segments, oldest first.

    Raises:
        JournalError: the folder cannot be read.
    """
    return tuple(sorted(Segment(number, path) for number, path in _named(folder, _CLOSED)))


def torn_files(folder: Path) -> tuple[tuple[int, Path], ...]:
    """What crashes cut off and an agent set aside, each with the number that its entry would have had.

    Raises:
        JournalError: the folder cannot be read.
    """
    return tuple(_named(folder, _TORN))


def _named(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, Path]]:
    try:
        for path in folder.iterdir():
            if found := pattern.fullmatch(path.name):
                yield int(found[1]), path
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{folder}: cannot be read: {error}") from error


def lines_of(folder: Path, *, without: Container[str] = ()) -> Iterator[Line]:
    """All lines, oldest first. A segment that is removed meanwhile is passed over.

    Args:
        folder: of the journal.
        without: names of closed segments that are not to be read.

    Raises:
        JournalError: they cannot be read.
    """
    with _opened(folder) as (closed, current), _readable(folder):
        for segment in closed:
            if segment.path.name in without:
                continue
            with contextlib.suppress(FileNotFoundError), segment.path.open("rb") as file:
                yield from _forwards(segment.path.name, file)
        if current is not None:
            yield from _forwards(JOURNAL, current)


def lines_backwards(folder: Path) -> Iterator[Line]:
    """All lines, newest first, however long the journal is; a line that is being written may come first.

    Raises:
        JournalError: they cannot be read.
    """
    with _opened(folder) as (closed, current), _readable(folder):
        if current is not None:
            yield from _backwards(JOURNAL, current)
        for segment in reversed(closed):
            with contextlib.suppress(FileNotFoundError), segment.path.open("rb") as file:
                yield from _backwards(segment.path.name, file)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[tuple[tuple[Segment, ...], BinaryIO | None]]:
    """The written file, open, and the closed ones without it."""
    with contextlib.ExitStack() as stack:
        current = None
        with contextlib.suppress(FileNotFoundError), _readable(folder):
            current = stack.enter_context((folder / JOURNAL).open("rb"))
        closed = closed_segments(folder)
        if current is not None:
            inode = os.fstat(current.fileno()).st_ino
            closed = tuple(segment for segment in closed if _inode(segment.path) != inode)
        yield closed, current


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None  # it is missed when it is read


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise JournalError(f"{error.filename or folder}: cannot be read: {error}") from error


def _forwards(name: str, file: BinaryIO) -> Iterator[Line]:
    number = 0
    while data := file.readline(JOURNAL_ENTRY_MAX_BYTES + 1):
        number += 1
        yield Line(name, number, data)


def _backwards(name: str, file: BinaryIO) -> Iterator[Line]:
    """The lines from the end on. What has no line end within the ceiling is given in pieces, none of them an entry."""
    rest, length, position = b"", _BLOCK_BYTES, os.fstat(file.fileno()).st_size
    while position:
        length = min(length, position)
        position -= length
        data = os.pread(file.fileno(), length, position) + rest
        start = data.find(b"\n") + 1 if position else 0
        if not start and position and len(data) <= JOURNAL_ENTRY_MAX_BYTES:
            rest, length = data, 2 * length  # so that a long line is not copied again and again
            continue
        rest, length = data[:start], _BLOCK_BYTES
        yield from (Line(name, 0, line) for line in reversed(_split(data[start:])))


def _split(data: bytes) -> list[bytes]:
    """Lines with their ends; ``bytes.splitlines`` would also split at carriage returns."""
    *whole, last = data.split(b"\n")
    lines = [line + b"\n" for line in whole]
    return [*lines, last] if last else lines
