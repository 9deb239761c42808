"""Calls that a file system may never answer, each on a thread of its own that is left behind at its deadline.

FUSE and network file systems can let any call wait for ever: open, fstat, read, and close as well, which flushes. So a
caller's thread never makes one on a file that somebody else chose. How many may hang for one user is bounded: the
threads that one user's file system holds are no other user's loss.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from sampler.limits import HANGING_CALLS_MAX_COUNT

T = TypeVar("T")

_hanging: Final[Counter[int]] = Counter()
_lock: Final = threading.Lock()


class StillHanging(Exception):
    """Too many earlier calls for this user have not come back; the work was not begun."""


def within(work: Callable[[], T], *, uid: int, deadline_seconds: float, discard: Callable[[T], None]) -> T:
    """Run ``work`` on a thread of its own; should it end after the deadline, ``discard`` gets its result, there.

    Args:
        work: what may hang; it cleans up after itself when it raises.
        uid: whose file it is about.
        deadline_seconds: how long to wait.
        discard: gives back what came too late.

    Raises:
        StillHanging: ``HANGING_CALLS_MAX_COUNT`` calls for this user hang already, or no thread is to be had.
        TimeoutError: it took longer than ``deadline_seconds``.
    """
    with _lock:
        if _hanging[uid] >= HANGING_CALLS_MAX_COUNT:
            raise StillHanging(f"{HANGING_CALLS_MAX_COUNT} earlier calls for user {uid} have not come back")
    future: Future[T] = Future()
    try:
        threading.Thread(target=_run, args=(work, future), name="may-hang", daemon=True).start()
    except RuntimeError as error:
        raise StillHanging(f"no thread is to be had: {error}") from error
    try:
        return future.result(deadline_seconds)
    except TimeoutError:
        _leave_behind(future, uid, discard)
        raise


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
        future.set_exception(error)


def _leave_behind(future: Future[T], uid: int, discard: Callable[[T], None]) -> None:
    def end(late: Future[T]) -> None:
        with _lock:
            _hanging[uid] -= 1
            if not _hanging[uid]:
                del _hanging[uid]
        if late.exception() is None:
            discard(late.result())

    with _lock:
        _hanging[uid] += 1
    future.add_done_callback(end)
