"""Reading the journal, which any user of the machine may, and saying what about it does not hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sampler.errors import JournalError
from sampler.journal.lines import NOWHERE, JournalEntry, Place, SealedLine, read_sealed
from sampler.journal.segments import HEAD, Line, closed_segments, lines_backwards, lines_of
from sampler.journal.surveying import Survey, Surveyor, is_unfinished

_HEAD: Final = re.compile(rb"(\d{1,18}) ([0-9a-f]{64})\n")
_HEAD_MAX_BYTES: Final = 256
_READINGS_MAX_COUNT: Final = 100
_SURVEYS_MAX_COUNT: Final = 20

Wanted = Callable[[str, str, datetime], bool]
"""Whether an entry of this kind, about this object, of this time is asked for."""


class JournalReader:
    """Reads the journal in ``folder`` without ever writing there; an absent one is empty.

    Nothing is locked: an agent may append, close segments and remove old ones meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(
        self,
        event_id: str | None = None,
        *,
        newest_first: bool = False,
        wanted: Wanted | None = None,
        naming: bytes | None = None,
    ) -> Iterator[JournalEntry]:
        """The entries, of one object or all, one at a time; a line that is being written is not one yet.

        Args:
            event_id: only what is about this object.
            newest_first: else the oldest is first.
            wanted: looks at each before its document is decoded.
            naming: besides, whatever has these bytes anywhere in its line.

        Raises:
            JournalError: a line cannot be read, or is not as it was written.
        """
        for line, sealed in self._sealed(newest_first=newest_first):
            body = sealed.body
            if event_id not in (None, body.event_id):
                continue
            named = naming is not None and naming in line.data
            if named or wanted is None or wanted(body.kind, body.event_id, body.at):
                yield self._entry(line, sealed)

    def lines(self) -> Iterator[bytes]:
        """Each entry as it is stored, oldest first, checked by itself.

        Raises:
            JournalError: a line cannot be read, or is not as it was written.
        """
        return (line.data for line, _ in self._sealed(newest_first=False))

    def verify(self) -> tuple[str, ...]:
        """What does not hold, line by line, at most ``FAULTS_MAX_COUNT``; empty when the journal is sound.

        Raises:
            JournalError: it cannot be read at all.
        """
        return self.survey().faults

    def survey(self, before: Survey | None = None) -> Survey:
        """The same, where the chain ends, and what each file of it holds.

        Where something does not hold and files were closed or removed meanwhile, it is looked at again.

        Args:
            before: of the oldest files, which are not read again.

        Raises:
            JournalError: it cannot be read at all.
        """
        for _ in range(_SURVEYS_MAX_COUNT):
            closed = closed_segments(self._folder)
            survey = self._survey(before)
            if not survey.faults or closed_segments(self._folder) == closed:
                return survey
        raise JournalError(f"{self._folder}: its files change faster than they can be read; try again")

    def _survey(self, before: Survey | None) -> Survey:
        faults: list[str] = []
        noted = self._noted(faults)
        surveyor = Surveyor(noted, faults) if before is None else Surveyor.after(noted, faults, before)
        known = frozenset(each.file for each in before.holdings) if before is not None else frozenset[str]()
        for line in lines_of(self._folder, without=known):
            surveyor.see(line)
            if surveyor.is_enough:
                break
        return surveyor.survey()

    def _sealed(self, *, newest_first: bool) -> Iterator[tuple[Line, SealedLine]]:
        for line in lines_backwards(self._folder) if newest_first else lines_of(self._folder):
            if is_unfinished(line.data):
                continue
            try:
                yield line, read_sealed(line.data)
            except ValueError as error:
                raise self._unreadable(line, error) from error

    def _entry(self, line: Line, sealed: SealedLine) -> JournalEntry:
        try:
            return sealed.entry()
        except ValueError as error:
            raise self._unreadable(line, error) from error

    def _unreadable(self, line: Line, error: ValueError) -> JournalError:
        return JournalError(f"{self._folder / line.where}: {error}; see: sampler history verify")

    def _noted(self, faults: list[str]) -> Place:
        """An entry that was durable once; others may follow it, none may be missing before it."""
        try:
            match = _HEAD.fullmatch(_read_settled(self._folder / HEAD))
        except FileNotFoundError:
            return NOWHERE
        except OSError as error:
            raise JournalError(f"{self._folder / HEAD}: cannot be read: {error}") from error
        if match is None:
            faults.append(f"{HEAD}: damaged")
            return NOWHERE
        return Place(int(match[1]), match[2].decode())


def _read_settled(path: Path) -> bytes:
    """A file that is written in place, read until two readings agree: one alone may have met a write."""
    before, data = b"", b"?"
    with path.open("rb", buffering=0) as file:
        for _ in range(_READINGS_MAX_COUNT):
            if data == before:
                break
            before, data = data, os.pread(file.fileno(), _HEAD_MAX_BYTES, 0)
    return data
