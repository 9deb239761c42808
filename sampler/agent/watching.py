"""Being told that something below some folders changed: a hint to look, which can be late, never the news itself.

Told by inotify(7) through watchfiles, which looks for news every ``_STEP_MS``; that is all it costs while nothing
happens. What inotify loses (its queue overflows, a folder is exchanged for another, a file system tells nothing) is
found all the same, because ``on_change`` is called from time to time whatever was told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import structlog
from watchfiles import awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_STEP_MS: Final = 500
_DEBOUNCE_MS: Final = 2000
"""Changes that follow each other without a pause are told as one, for at most this long."""

_Present: TypeAlias = Mapping[Path, tuple[int, int]]
"""Device and inode of what is there."""


async def watch(
    paths: Sequence[Path], on_change: Callable[[], None], *, clock: Clock, most_seconds: float, deep: bool = True
) -> None:
    """Call ``on_change`` after changes, and every ``most_seconds`` without any, until cancelled.

    Args:
        paths: folders or files; they may be absent, and may be exchanged at any time.
        on_change: quick; what there is to do, it leaves to others.
        clock: to wait by, where nothing can be watched.
        most_seconds: the longest time between two calls.
        deep: also what is below folders in the folders.
    """
    missing: set[Path] = set()
    while True:
        present = await off_loop(_present, paths)
        for path in {*paths} - {*present} - missing:
            log.warning("what is to be watched is not there; it is looked for again", path=str(path))
        missing = {*paths} - {*present}
        try:
            await _watch_present(present, on_change, most_seconds, deep=deep)
        except (OSError, WatchfilesRustInternalError) as error:  # too many watches (ENOSPC), or gone meanwhile
            log.warning("changes are not told; they are looked for from time to time", reason=str(error))
            await clock.sleep(most_seconds)
        on_change()


async def _watch_present(present: _Present, on_change: Callable[[], None], most_seconds: float, *, deep: bool) -> None:
    """Until what is watched is not what is there any more.

    Raises:
        OSError, WatchfilesRustInternalError: it cannot be watched.
    """
    if not present:
        raise FileNotFoundError("nothing of it is there")
    async for _ in awatch(
        *present,
        watch_filter=None,
        step=_STEP_MS,
        debounce=_DEBOUNCE_MS,
        rust_timeout=round(most_seconds * 1000),
        yield_on_timeout=True,
        recursive=deep,
        ignore_permission_denied=True,
    ):
        on_change()
        if await off_loop(_present, [*present]) != present:
            return


def _present(paths: Sequence[Path]) -> _Present:
    found = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # absent, or not for us to see: the caller says so
        found[path] = (status.st_dev, status.st_ino)
    return found
