"""Setting a damaged journal aside, whole, and beginning a new one that says so.

The new journal's first line is written first, as ``journal.repairing``; then the files move into a folder of their own,
and last that line becomes ``journal.jsonl``. A repair that a crash ended is finished by running it again, and meanwhile
no agent writes. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sampler.errors import JournalError
from sampler.journal.journal import head_note
from sampler.journal.lines import Place, read_line, write_line
from sampler.journal.locking import locked
from sampler.journal.reading import JournalReader
from sampler.journal.segments import HEAD, JOURNAL, LOCK, REPAIRING, closed_segments, torn_files
from sampler.journal.surveying import Survey
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES
from sampler.runtime.durable import make_private_folder, sync_folder, write_durably

_READABLE_BY_ALL: Final = 0o644
_LOOKED_INTO_BY_ALL: Final = 0o755
_FAULTS_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did."""

    folder: Path
    """Where the damaged journal lies now."""
    files: tuple[str, ...]
    sound: int
    """The number of its last entry up to which nothing was wrong."""
    faults: tuple[str, ...]
    """What was wrong, the first few."""


def repair(folder: Path, now: datetime) -> Repaired | None:
    """Set the damaged journal in ``folder`` aside and begin a new one; ``None``: it is sound, and nothing was done.

    Raises:
        JournalError: an agent runs, this user may not write there, or the disk fails; run it again then.
    """
    with locked(folder):
        try:
            line = _begun(folder) or _begin(folder, now)
            return None if line is None else _finish(folder, line)
        except OSError as error:
            raise JournalError(f"{folder}: the repair was not finished: {error}; run it again") from error


def _begun(folder: Path) -> bytes | None:
    """The line of a repair that was not finished."""
    try:
        with (folder / REPAIRING).open("rb") as file:
            return file.read(JOURNAL_ENTRY_MAX_BYTES + 1)
    except FileNotFoundError:
        return None


def _begin(folder: Path, now: datetime) -> bytes | None:
    survey = JournalReader(folder).survey()
    if not survey.faults:
        return None
    sound = survey.sound
    document = _document(folder, survey, now)
    line, _ = write_line(sound.number + 1, now, "repaired", "", document, previous=sound.digest)
    write_durably(folder / REPAIRING, line, mode=_READABLE_BY_ALL)
    return line


def _hand_over(folder: Path, *made: Path) -> None:
    """Root may repair for an agent that runs as another user: what was made belongs to whom the folder belongs."""
    owner = folder.stat()
    for path in made:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _document(folder: Path, survey: Survey, now: datetime) -> dict[str, Any]:
    paths = [*(segment.path for segment in closed_segments(folder)), folder / JOURNAL, folder / HEAD]
    paths += [path for _, path in torn_files(folder)]
    return {
        "sound": survey.sound.number,
        "sound_digest": survey.sound.digest,
        "kept": f"damaged-{now:%Y%m%dT%H%M%SZ}-{survey.sound.number}",
        "files": {path.name: _sha256(path) for path in paths if path.exists()},
        "faults": list(survey.faults[:_FAULTS_NAMED]),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finish(folder: Path, line: bytes) -> Repaired:
    try:
        entry = read_line(line)
    except ValueError as error:
        raise JournalError(f"{folder / REPAIRING}: {error}; move it away and repair again") from error
    document = entry.document
    aside = make_private_folder(folder / document["kept"], mode=_LOOKED_INTO_BY_ALL)
    for name in document["files"]:
        if (folder / name).exists() and not (aside / name).exists():  # else it is the new one of an unfinished repair
            (folder / name).rename(aside / name)
    sync_folder(aside)
    write_durably(folder / HEAD, head_note(Place(entry.number, entry.digest)), mode=_READABLE_BY_ALL)
    _hand_over(folder, aside, folder / HEAD, folder / LOCK, folder / REPAIRING)
    (folder / REPAIRING).rename(folder / JOURNAL)
    sync_folder(folder)
    return Repaired(aside, tuple(document["files"]), document["sound"], tuple(document["faults"]))
