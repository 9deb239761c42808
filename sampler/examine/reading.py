"""How a child reads the one object that it was given: by its descriptor, never by a name."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from sampler.limits import COPY_CHUNK_BYTES, MIB
from sampler.sandbox.pages import dropping_pages

Content: TypeAlias = bytes | mmap.mmap

READ_WHOLE_MAX_BYTES: Final = 16 * MIB
"""A live file up to here is read once and nothing but these bytes is looked at; a longer one is mapped."""


def read_whole(descriptor: int, size: int) -> bytes:
    """All bytes of a live file of ``size`` bytes; one more if it grew, fewer if it shrank."""
    content = os.pread(descriptor, size + 1, 0)
    while len(content) <= size:  # a signal or a slow file system can cut a read short
        more = os.pread(descriptor, size + 1 - len(content), len(content))
        if not more:
            break
        content += more
    return content


def hash_live(descriptor: int, size: int) -> tuple[str, int]:
    """SHA-256 of a live file and how many bytes were read for it: at most one more than ``size``.

    It is read, not mapped: hashing a mapping of a file that somebody cuts short ends the process (SIGBUS).
    """
    digest, offset = hashlib.sha256(), 0
    while offset <= size:
        chunk = os.pread(descriptor, min(COPY_CHUNK_BYTES, size + 1 - offset), offset)
        if not chunk:
            break
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest(), offset


@contextmanager
def mapped(descriptor: int) -> Iterator[Content]:
    """The object's bytes without copying them, and with little of a large one in memory at a time.

    An empty file cannot be mapped (mmap(2)).

    The size is found by seeking: the C library's fstat(3) is a system call that could also ask for files by name.
    """
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        yield b""
        return
    content = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    try:
        with dropping_pages(content):
            yield content
    finally:
        with contextlib.suppress(BufferError):  # a parser still holds a view; the mapping ends with it
            content.close()
