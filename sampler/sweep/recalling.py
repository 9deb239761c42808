"""What is known of files from earlier sweeps, asked for folder by folder.

A file is known if it is in the very state in which it was scanned, under the same name, by the same rules. Its bytes
are not looked at. This is all that a sweep over unchanged files does: nothing here starts a child or waits.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from sampler.model import Scanned
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep.contexts import Contexts
from sampler.sweep.outcomes import FileFailure, FileReport, Outcome
from sampler.walk import Found, NotWalked, Walked

_AT_ONCE_MAX_COUNT: Final = 256
"""Files of one folder that are asked for at once."""
_STATE: Final = struct.Struct("<6Q")
_64_BITS: Final = (1 << 64) - 1


def recalled(
    files: Iterable[Walked], contexts: Contexts, memory: ScanMemory | None, *, hit_bytes: bool = False
) -> Iterator[Outcome | Found]:
    """The outcome of each file of a walk for which nothing need be read, and the others as they came, in their order.

    Args:
        files: of the walk.
        contexts: the rules, and what they are told.
        memory: of earlier sweeps; ``None``: no file is known.
        hit_bytes: the bytes of hits are wanted, so that files with matches have to be read.
    """
    version = contexts.ruleset_version
    for folder, group in _by_folder(files):
        known = _known(folder, group, contexts, memory) if memory is not None else {}
        for file in group:
            scanned = known.get(file.path[len(folder) :])
            if isinstance(file, NotWalked):
                yield FileFailure(file.path, "not-walked", file.detail)
            elif scanned is None or (hit_bytes and scanned.matches):
                yield file
            else:
                yield FileReport(file.path, scanned, version, recalled=True)


def state_of(status: os.stat_result) -> bytes:
    """What tells one state of one file from others (stat(2)), its owner included, because rules can be told of it.

    Any user can set a time to any year (utimensat(2)); such a one is taken modulo 2**64.
    """
    numbers = (
        status.st_dev, status.st_ino, status.st_size, status.st_uid, status.st_mtime_ns, status.st_ctime_ns
    )  # fmt: skip
    try:
        return _STATE.pack(*numbers)
    except struct.error:
        return _STATE.pack(*(number & _64_BITS for number in numbers))


def _by_folder(files: Iterable[Walked]) -> Iterator[tuple[bytes, list[Walked]]]:
    """Files that follow one another in one folder, with the folder's path."""
    folder, group = b"", list[Walked]()
    for file in files:
        path = file.path
        above = path[: path.rfind(b"/") + 1]
        if group and (above != folder or len(group) == _AT_ONCE_MAX_COUNT):
            yield folder, group
            group = []
        folder = above
        group.append(file)
    if group:
        yield folder, group


def _known(folder: bytes, group: list[Walked], contexts: Contexts, memory: ScanMemory) -> dict[bytes, Scanned]:
    """By name."""
    start = len(folder)
    states = {file.path[start:]: state_of(file.status) for file in group if isinstance(file, Found)}
    return memory.recall(contexts.of_folder(folder), states)
