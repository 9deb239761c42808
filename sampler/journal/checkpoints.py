"""What a start has verified of the closed files, so that the next one reads only what came since.

A closed file is never written again. One that still has the inode, the size and the times of its last change that it
had when it was read is taken as verified, and the chain is followed from its last entry on. Whatever differs, and a
note that cannot be read, only costs time: everything is read. The note saves a start; it proves nothing, and ``verify``
never looks at it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from sampler.journal.aging import Witnessed
from sampler.journal.lines import Place
from sampler.journal.segments import CHECKPOINT, closed_segments
from sampler.journal.surveying import Holding, Survey
from sampler.limits import MIB
from sampler.runtime.durable import write_durably

_READABLE_BY_ALL: Final = 0o644
_MAX_BYTES: Final = MIB

Stamp = tuple[int, int, int, int]
"""Inode, size, and when a file and its metadata changed last, in nanoseconds."""


class _KnownFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    stamp: Stamp
    first: int
    last: Place
    kinds: dict[str, int]
    passed: timedelta
    latest: datetime | None
    pruned: Place


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    begins: Place | None
    explained: bool
    files: tuple[_KnownFile, ...]


_decoder = msgspec.json.Decoder(_Note)


def stamps_of(folder: Path) -> dict[str, Stamp]:
    """The closed files as they are on the disk.

    Raises:
        JournalError: the folder cannot be read.
    """
    found: dict[str, Stamp] = {}
    for segment in closed_segments(folder):
        with contextlib.suppress(OSError):  # it was removed meanwhile
            stat = segment.path.stat(follow_symlinks=False)
            found[segment.path.name] = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return found


def verified_before(folder: Path, stamps: Mapping[str, Stamp]) -> Survey | None:
    """What is known of the oldest closed files, where they are as they were; ``None``: everything is to be read.

    Args:
        folder: of the journal.
        stamps: of all its closed files, in order.
    """
    note = _read(folder)
    if note is None or not note.files:
        return None
    known = {each.file: each.stamp for each in note.files}
    if list(known.items()) != list(stamps.items())[: len(known)]:
        return None
    last = note.files[-1].last
    return Survey(
        last=last,
        sound=last,
        faults=(),
        holdings=tuple(map(_holding, note.files)),
        pruned_to=note.files[-1].pruned.number,
        begins=note.begins,
        explained=note.explained,
    )


def note_verified(folder: Path, survey: Survey, stamps: Mapping[str, Stamp]) -> None:
    """Note what was found sound, of the closed files that did not change meanwhile; what cannot be noted is read again.

    Args:
        folder: of the journal.
        survey: of all of it, without a fault.
        stamps: of the closed files, from before they were read.
    """
    files = [_known(each, stamps[each.file]) for each in survey.holdings if each.file in stamps]
    if files and stamps_of(folder) == dict(stamps):
        _write(folder, _Note(survey.begins, survey.explained, tuple(files)))


def note_removed(folder: Path, last: int) -> None:
    """Note that the files up to this entry were removed for their age."""
    note = _read(folder)
    gone = [each for each in note.files if each.last.number <= last] if note is not None else []
    if note is not None and gone:
        _write(folder, _Note(begins=gone[-1].last, explained=False, files=note.files[len(gone) :]))


def _read(folder: Path) -> _Note | None:
    try:
        with (folder / CHECKPOINT).open("rb") as file:
            return _decoder.decode(file.read(_MAX_BYTES))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write(folder: Path, note: _Note) -> None:
    data = msgspec.json.encode(note)
    if len(data) < _MAX_BYTES:
        with contextlib.suppress(OSError):
            write_durably(folder / CHECKPOINT, data, mode=_READABLE_BY_ALL)


def _known(holding: Holding, stamp: Stamp) -> _KnownFile:
    ended = holding.ended
    kinds = dict(holding.kinds)
    return _KnownFile(
        holding.file, stamp, holding.first, holding.last, kinds, ended.passed, ended.latest, holding.pruned
    )


def _holding(known: _KnownFile) -> Holding:
    ended = Witnessed(known.passed, known.latest)
    return Holding(known.file, known.first, known.last, Counter(known.kinds), ended, known.pruned)
