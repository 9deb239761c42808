"""Reading the journal, which any user of the machine may, and saying what about it does not hold."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sampler.errors import JournalError
from sampler.journal.lines import FIRST_PREVIOUS, JournalEntry, read_line
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES

JOURNAL: Final = "journal.jsonl"
HEAD: Final = "journal.head"
_HEAD: Final = re.compile(rb"(\d{1,18}) ([0-9a-f]{64})\n")
_HEAD_MAX_BYTES: Final = 256
_FAULTS_MAX_COUNT: Final = 100
_READINGS_MAX_COUNT: Final = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The place of an entry in the chain; of none, at first."""

    number: int = 0
    digest: str = FIRST_PREVIOUS
    """Empty where the line cannot be read, so that nothing can be said of what continues it."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole journal looked at: where it ends, and what of it does not hold."""

    last: Head
    faults: tuple[str, ...]


class JournalReader:
    """Reads the journal in ``folder`` without ever writing there; an absent one is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self, event_id: str | None = None) -> Iterator[JournalEntry]:
        """The entries, oldest first, of one object or all; a line that is being written is not one yet.

        Raises:
            JournalError: a line cannot be read, or is not as it was written.
        """
        for number, line in self.lines():
            if is_unfinished(line):
                return
            entry = self._entry(number, line)
            if event_id in (None, entry.event_id):
                yield entry

    def verify(self) -> tuple[str, ...]:
        """What does not hold, line by line, at most ``_FAULTS_MAX_COUNT``; empty when the journal is sound.

        Raises:
            JournalError: it cannot be read at all.
        """
        return self.survey().faults

    def survey(self) -> Survey:
        """The same, and where the chain ends.

        Raises:
            JournalError: it cannot be read at all.
        """
        faults: list[str] = []
        noted, last = self._noted(faults), Head()
        for number, line in self.lines():
            last = _follow(last, number, line, faults)
            if last.number == noted.number and last.digest not in ("", noted.digest):
                faults.append(f"line {number}: is not the entry {noted.number} that was written")
            if len(faults) >= _FAULTS_MAX_COUNT:
                return Survey(last, tuple(faults))
        if last.number < noted.number:
            faults.append(f"the end: entries {last.number + 1} to {noted.number} are missing")
        return Survey(last, tuple(faults))

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The raw lines, numbered from 1.

        Raises:
            JournalError: they cannot be read.
        """
        try:
            with (self._folder / JOURNAL).open("rb") as file:
                yield from enumerate(_bounded_lines(file), 1)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"{self._folder / JOURNAL}: cannot be read: {error}") from error

    def _noted(self, faults: list[str]) -> Head:
        """An entry that was durable once; others may follow it, none may be missing before it."""
        try:
            match = _HEAD.fullmatch(_read_settled(self._folder / HEAD))
        except FileNotFoundError:
            return Head()
        except OSError as error:
            raise JournalError(f"{self._folder / HEAD}: cannot be read: {error}") from error
        if match is None:
            faults.append(f"{HEAD}: damaged")
            return Head()
        return Head(int(match[1]), match[2].decode())

    def _entry(self, number: int, line: bytes) -> JournalEntry:
        try:
            return read_line(line)
        except ValueError as error:
            place = f"{self._folder / JOURNAL}, line {number}"
            raise JournalError(f"{place}: {error}; see: sampler history verify") from error


def _read_settled(path: Path) -> bytes:
    """A file that is written in place, read until two readings agree: one alone may have met a write."""
    before, data = b"", b"?"
    with path.open("rb", buffering=0) as file:
        for _ in range(_READINGS_MAX_COUNT):
            if data == before:
                break
            before, data = data, os.pread(file.fileno(), _HEAD_MAX_BYTES, 0)
    return data


def is_unfinished(line: bytes) -> bool:
    """Whether a line has no end: it is being written, or a crash cut it off."""
    return not line.endswith(b"\n") and len(line) <= JOURNAL_ENTRY_MAX_BYTES


def is_torn(line: bytes) -> bool:
    """Whether a crash cut the last line off: it has no end, or blocks of it never reached the disk and are zeros."""
    return is_unfinished(line) or b"\0" in line


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(JOURNAL_ENTRY_MAX_BYTES + 1):
        yield line


def _follow(last: Head, number: int, line: bytes, faults: list[str]) -> Head:
    """Check a line against the place before it; its own place."""
    try:
        entry = read_line(line)
    except ValueError as error:
        faults.append(f"line {number}: {'cut off' if is_unfinished(line) else error}")
        return Head(last.number + 1, "")
    if entry.number != last.number + 1:
        faults.append(f"line {number}: entry {entry.number} follows entry {last.number}")
    elif last.digest and entry.previous != last.digest:
        faults.append(f"line {number}: does not continue the line before it")
    return Head(entry.number, entry.digest)
