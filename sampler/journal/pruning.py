"""Removing the oldest files of a journal, after an entry said which; a removal that a crash ended is finished later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sampler.errors import JournalError
from sampler.journal.segments import closed_segments, torn_files
from sampler.journal.surveying import Holding
from sampler.runtime.durable import sync_folder


def pruned_document(old: Sequence[Holding]) -> dict[str, Any]:
    """What the ``pruned`` entry says of the files that go, oldest first, at least one."""
    kinds: Counter[str] = sum((holding.kinds for holding in old), Counter())
    return {
        "first": old[0].first,
        "last": old[-1].last.number,
        "digest": old[-1].last.digest,
        "kinds": dict(sorted(kinds.items())),
        "files": [holding.file for holding in old],
    }


def remove_up_to(folder: Path, last: int) -> tuple[str, ...]:
    """Remove the closed segments that end with entry ``last`` or before, oldest first; their names.

    ``last`` ends a segment, so one that begins before it ends with it at the latest.

    Raises:
        JournalError: the disk fails; what is left will be removed another time.
    """
    gone = [segment.path for segment in closed_segments(folder) if segment.first <= last]
    gone += [path for number, path in torn_files(folder) if number <= last]
    try:
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            sync_folder(folder)
    except OSError as error:
        raise JournalError(f"{folder}: its oldest files cannot be removed: {error}; tried again later") from error
    return tuple(path.name for path in gone)
