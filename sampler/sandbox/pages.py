"""A thread in each child that takes the pages of a large mapped object out of memory again while it is scanned.

Scanning a mapped file leaves every page of it resident: the child of a 4 GiB file would look like one of 4 GiB. The
pages belong to the page cache and come back from there at the next access, so nothing is lost when they are dropped
again and again (madvise(2), MADV_DONTNEED, of a shared mapping that is only read). Whoever scans must release the
interpreter's lock, as yara-python and hashlib do, or the thread never has its turn.

The thread is made by ``confine`` before the system-call filter and is held by all that holds the child; it makes no
call but to wait, to look at the clock and to drop pages. In any other process there is none, and nothing is dropped.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sampler.limits import KIB, MIB

_FROM_BYTES: Final = 64 * MIB
"""Smaller mappings stay resident: their end comes before it would matter."""
_INTERVAL_SECONDS: Final = 0.01
"""As much stays resident as is read in this time: 20 MB at most, at the speed of SHA-256."""
_STACK_BYTES: Final = 256 * KIB


class PageDropper:
    """One thread, and the mapping whose pages it drops at the moment, if any."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._mapping: mmap.mmap | None = None

    def start(self) -> None:
        """Make the thread; when this returns, it needs no system call any more but those that it always makes.

        Raises:
            RuntimeError: the process may have no more threads.
        """
        usual = threading.stack_size(_STACK_BYTES)
        try:
            threading.Thread(target=self._run, name="page-dropper", daemon=True).start()
        finally:
            threading.stack_size(usual)

    def serve(self, mapping: mmap.mmap | None) -> None:
        """Drop the pages of this mapping from now on; when ``None`` was taken, the last one is not touched any more."""
        with self._turn:
            self._mapping = mapping
            self._turn.notify()

    def _run(self) -> None:
        with self._turn:
            while True:
                self._turn.wait(None if self._mapping is None else _INTERVAL_SECONDS)
                if self._mapping is not None:
                    self._drop(self._mapping)

    def _drop(self, mapping: mmap.mmap) -> None:
        try:
            mapping.madvise(mmap.MADV_DONTNEED)
        except (OSError, ValueError):  # of a kind that the kernel keeps resident, or closed: scanning does not suffer
            self._mapping = None


_droppers: Final[list[PageDropper]] = []
"""The one of this process, if it is a child."""


def start_page_dropper() -> None:
    """Give this process its thread; part of becoming a child, and done once.

    Raises:
        RuntimeError: the process may have no more threads.
    """
    dropper = PageDropper()
    dropper.start()
    _droppers.append(dropper)


@contextmanager
def dropping_pages(content: bytes | mmap.mmap) -> Iterator[None]:
    """Keep the resident part of a large mapping small while the body scans it; does nothing for what is small.

    Args:
        content: a shared mapping that is only read (``mmap.ACCESS_READ``); bytes are left alone.
    """
    if not _droppers or isinstance(content, bytes) or len(content) < _FROM_BYTES:
        yield
        return
    (dropper,) = _droppers
    dropper.serve(content)
    try:
        yield
    finally:
        dropper.serve(None)
