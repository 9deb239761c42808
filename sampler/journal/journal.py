"""Writing the journal: one line after another, each durable before its caller goes on, by one process at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sampler.errors import JournalError
from sampler.journal.aging import UNBEGUN
from sampler.journal.checkpoints import note_removed, note_verified, stamps_of, verified_before
from sampler.journal.lines import NOWHERE, JournalEntry, Place, write_line
from sampler.journal.locking import locked
from sampler.journal.pruning import pruned_document, remove_up_to
from sampler.journal.reading import JournalReader
from sampler.journal.segments import HEAD, JOURNAL, REPAIRING
from sampler.journal.surveying import Holding
from sampler.journal.written_file import WrittenFile
from sampler.limits import JOURNAL_SEGMENT_MAX_BYTES
from sampler.runtime.durable import write_durably

_READABLE_BY_ALL: Final = 0o644


class Journal:
    """The journal in ``folder``, which exists, open for writing. Blocking; any thread may call it.

    A last line that a crash cut off was never acknowledged: it is kept aside in ``journal.torn-N`` and noted. Closed
    files that an earlier start verified, and that did not change since, are not read when it is opened: ``check`` does.

    Args:
        folder: of its own.
        segment_max_bytes: a file that has reached this is closed before the next entry.

    Raises:
        JournalError: another process writes it, it is damaged, or it cannot be written. Nothing may be sent then.
    """

    def __init__(self, folder: Path, *, segment_max_bytes: int = JOURNAL_SEGMENT_MAX_BYTES) -> None:
        self._folder = folder
        self._segment_max_bytes = segment_max_bytes
        self._reader = JournalReader(folder)
        self._guard = threading.Lock()
        self._last = NOWHERE
        self._witnessed = UNBEGUN
        self._holdings: list[Holding] = []
        self._pruned_to = 0
        self._damage = ""
        """What ``check`` found."""
        self._head = -1
        """Of the note; -1 before the first."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(folder))
            if (folder / REPAIRING).exists():
                raise JournalError(f"{folder}: its repair was not finished; run again: sampler history repair")
            self._file = stack.enter_context(WrittenFile(folder))
            self._recover()
            self._closing = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, kind: str, event_id: str, at: datetime, document: Mapping[str, Any]) -> None:
        """Note something; it is durable when this returns, and not there at all when it raises.

        Raises:
            JournalError: it could not be written, for want of space for one; whatever it was about must not happen.
        """
        with self._guard:
            self._append(kind, event_id, at, document)

    def tend(self, now: datetime, keep: timedelta) -> tuple[str, ...]:
        """Note that it was quiet, if it was, and remove the files whose last entry is older than ``keep``.

        Age is counted by the journal's own time (``aging``). What goes is noted first, with the digest of the last
        entry that goes, so that the rest still proves itself; the file that is written stays.

        Returns:
            The names of the files that were removed.

        Raises:
            JournalError: it cannot be noted, and nothing was removed; or a file cannot be, and will be another time.
        """
        with self._guard:
            if self._witnessed.is_quiet(now):
                self._append("quiet", "", now, {"since": self._last.number})
            if old := self._older_than(now, keep):
                self._append("pruned", "", now, pruned_document(old))
                self._pruned_to = old[-1].last.number
                self._holdings = self._holdings[len(old) :]
            if removed := remove_up_to(self._folder, self._pruned_to):
                note_removed(self._folder, self._pruned_to)
            return removed

    def entries(self, event_id: str | None = None, *, newest_first: bool = False) -> Iterator[JournalEntry]:
        """As ``JournalReader.entries``."""
        return self._reader.entries(event_id, newest_first=newest_first)

    def verify(self) -> tuple[str, ...]:
        """As ``JournalReader.verify``."""
        return self._reader.verify()

    def check(self) -> tuple[str, ...]:
        """As ``verify``, all of it; where something does not hold nothing is written any more, so nothing is sent.

        Raises:
            JournalError: it cannot be read at all.
        """
        faults = self.verify()
        if faults:
            self._damage = faults[0]
        return faults

    @property
    def latest(self) -> datetime | None:
        """The latest time of any entry, UTC; ``None`` while there is none."""
        return self._witnessed.latest

    def close(self) -> None:
        """Let another process write it."""
        self._closing.close()
        if self._head >= 0:
            os.close(self._head)
        self._head = -1

    def _older_than(self, now: datetime, keep: timedelta) -> list[Holding]:
        """The closed files from the oldest on whose last entry is so old."""
        passed = self._witnessed.at(now).passed
        closed = (holding for holding in self._holdings if holding.file != JOURNAL)
        return list(takewhile(lambda holding: passed - holding.ended.passed > keep, closed))

    def _recover(self) -> None:
        stamps = stamps_of(self._folder)
        before = verified_before(self._folder, stamps)
        survey = self._reader.survey(before)
        if survey.faults and before is not None:
            survey = self._reader.survey()
        if survey.faults:
            raise self._damaged(survey.faults[0])
        note_verified(self._folder, survey, stamps)
        self._last, self._witnessed = survey.last, survey.witnessed
        self._pruned_to = survey.pruned_to
        self._holdings = [each for each in survey.holdings if each.last.number > survey.pruned_to]
        if survey.torn:
            self._repair_end(survey.torn)
        remove_up_to(self._folder, self._pruned_to)

    def _damaged(self, fault: str) -> JournalError:
        return JournalError(
            f"{self._folder / JOURNAL}: damaged, so nothing is sent: {fault}; see: sampler history "
            "verify; to set it aside and begin anew: sampler history repair"
        )

    def _repair_end(self, torn: bytes) -> None:
        kept, when = f"journal.torn-{self._last.number + 1}", self._file.changed
        try:
            write_durably(self._folder / kept, torn, mode=_READABLE_BY_ALL)
        except OSError as error:
            raise JournalError(f"{self._folder / kept}: a torn last line cannot be set aside: {error}") from error
        self._file.shorten(len(torn))
        self._append("repaired", "", when.astimezone(UTC), {"kept": kept, "bytes": len(torn)})

    def _append(self, kind: str, event_id: str, at: datetime, document: Mapping[str, Any]) -> None:
        if self._damage:
            raise self._damaged(self._damage)
        last = self._last
        try:
            line, digest = write_line(last.number + 1, at, kind, event_id, document, previous=last.digest)
        except ValueError as error:
            raise JournalError(f"{self._folder}: a {kind} entry cannot be written: {error}") from error
        self._begin_file(at)
        self._file.append(line)
        self._last, self._witnessed = Place(last.number + 1, digest), self._witnessed.at(at)
        if self._file.size == len(line):
            self._holdings.append(Holding(JOURNAL))
        self._holdings[-1].take(self._last, kind, self._witnessed)
        self._note_last()

    def _begin_file(self, at: datetime) -> None:
        """A file for each month, and for each ``segment_max_bytes``."""
        if self._file.size and (self._file.size >= self._segment_max_bytes or self._witnessed.begins_month(at)):
            closed = self._file.begin_next(self._holdings[-1].first)
            self._holdings[-1].file = closed or JOURNAL

    def _note_last(self) -> None:
        """Note where the chain ends, so that a removed end is seen. A note that lags proves less and is not wrong.

        So it is written in place and not waited for: it always has the same length within one block, of which a power
        cut leaves the old or the new state. The first one of a process is a new file, and durable.
        """
        note = head_note(self._last)
        with contextlib.suppress(OSError):
            if self._head < 0:
                write_durably(self._folder / HEAD, note, mode=_READABLE_BY_ALL)
                self._head = os.open(self._folder / HEAD, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            else:
                os.pwrite(self._head, note, 0)


def head_note(last: Place) -> bytes:
    """What ``journal.head`` says of the last entry."""
    return f"{last.number:018} {last.digest}\n".encode()
