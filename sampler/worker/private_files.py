"""Suspicious bytes on a worker's disk: readable by nobody else, executable by nobody, gone when they are no longer
needed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from io import BufferedWriter
from pathlib import Path

import structlog

from sampler.runtime.blocking import file_off_loop, off_loop
from sampler.worker.finishing import finish

log = structlog.get_logger()

_PRIVATE_FILE = 0o600


async def write_privately(path: Path, chunks: AsyncGenerator[bytes, None]) -> int:
    """Write a new file with mode 0600; its size in bytes. When ``chunks`` or the disk fails, no file is left.

    Raises:
        FileExistsError: there is something at ``path``; it is left as it is.
        OSError: it cannot be written.
    """
    file = _create(path)
    size = 0
    try:
        with file:
            writing = file_off_loop(file)
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    size += await writing.write(chunk)
    except BaseException:
        remove(path)
        raise
    return size


@contextlib.asynccontextmanager
async def scratch_folder(parent: Path | None) -> AsyncIterator[Path]:
    """A new folder, mode 0700, under ``parent`` or the system's temporary folder, removed on leaving whatever is in it.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix="sampler-task-", dir=parent))
    try:
        yield folder
    finally:
        await finish(off_loop(remove_tree, folder))


def remove_tree(folder: Path) -> None:
    """Remove a folder that an analyzer wrote to, locked subfolders and links included; what is left is logged."""
    _unlock(folder)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.error("a scratch folder could not be removed; remove it by hand", folder=str(folder))


def _create(path: Path) -> BufferedWriter:
    """Not through the door of blocking work either: a caller cancelled in between would lose the descriptor."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _PRIVATE_FILE)
    return os.fdopen(descriptor, "wb")


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Not through the door of blocking work: it has to happen even when the caller is being cancelled.
    """
    path.unlink(missing_ok=True)


def _unlock(folder: Path) -> None:
    """Give this user its rights to every subfolder back, each before it is listed; links are not followed."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            place = Path(parent, name)
            if not place.is_symlink():
                with contextlib.suppress(OSError):
                    place.chmod(0o700)
