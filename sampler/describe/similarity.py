"""Digests that are alike for objects that are alike: TLSH, and ssdeep of small objects. Runs in the sandboxed child.

Both come from optional libraries (the extras ``tlsh`` and ``ssdeep``); without one its field is absent. They run where
hostile bytes are parsed, not in the agent: TLSH's library is C++ behind a thin binding, and a child that lies about a
similarity can do no harm. ssdeep's own library is under the GPL and so is not used; the pure Python one takes half a
microsecond a byte, hence its ceiling of its own.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Final

from sampler.describe.content_data import Data, read
from sampler.limits import KIB, MIB
from sampler.model import Field

TLSH_MIN_BYTES: Final = 50
"""TLSH is not defined for less (Oliver, Cheng, Chen: TLSH, a locality sensitive hash, 2013)."""
TLSH_MAX_BYTES: Final = 64 * MIB
"""Takes some 0.4 seconds."""
SSDEEP_MAX_BYTES: Final = 64 * KIB
"""Takes some 40 milliseconds."""
_CHUNK_BYTES: Final = 1 * MIB


def similarity_fields(data: Data) -> tuple[Field, ...]:
    """``file.hash.tlsh`` and ``file.hash.ssdeep``, as far as there is a library, and a digest of such an object."""
    digests = (("file.hash.tlsh", _tlsh_of(data)), ("file.hash.ssdeep", _ssdeep_of(data)))
    return tuple(Field(name, digest) for name, digest in digests if digest)


@functools.cache
def _library(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _tlsh_of(data: Data) -> str | None:
    library = _library("tlsh")
    if library is None or not TLSH_MIN_BYTES <= len(data) <= TLSH_MAX_BYTES:
        return None
    digest = library.Tlsh()
    for offset in range(0, len(data), _CHUNK_BYTES):
        digest.update(read(data, offset, _CHUNK_BYTES))
    try:
        digest.final()
        return str(digest.hexdigest())
    except ValueError:  # too little variety to tell it from others
        return None


def _ssdeep_of(data: Data) -> str | None:
    library = _library("ppdeep")
    if library is None or not 0 < len(data) <= SSDEEP_MAX_BYTES:
        return None
    return str(library.hash(read(data, 0, SSDEEP_MAX_BYTES)))
