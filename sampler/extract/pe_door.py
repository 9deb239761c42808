"""The one door to pefile. It turns whatever pefile raises on hostile input into ``MalformedPe``.

pefile raises more than its own error: a fuzzer finds others within seconds. Only calls into pefile stand inside
``ask``, so that a mistake of ours is never taken for one of the file's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pefile

from sampler.errors import SamplerError
from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Data

T = TypeVar("T")

_RAISED_ON_HOSTILE_INPUT: Final = (
    pefile.PEFormatError, ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError,
    TypeError, ValueError, struct.error,
)  # fmt: skip

MachineFile = Any
"""A ``pefile.PE``, which has no types."""


class MalformedPe(SamplerError):
    """pefile gave up on this part of the file."""


def open_pe(data: Data) -> MachineFile:
    """Parse the headers and the section table, and nothing else.

    ``close`` is not called on the result: it owns nothing, and closing costs a full garbage collection.

    Raises:
        MalformedPe: it is no Portable Executable.
    """
    return ask(lambda: pefile.PE(data=BoundedView(data), fast_load=True))


def ask(question: Callable[[], T]) -> T:
    """The answer of one call into pefile.

    Raises:
        MalformedPe: pefile raised, for whatever reason.
    """
    try:
        return question()
    except _RAISED_ON_HOSTILE_INPUT as error:
        raise MalformedPe(f"{type(error).__name__}: {error}") from error
