"""What objects begin with, as far as it decides which rules run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final


class Start(StrEnum):
    """What an object begins with, as far as it decides which rules run."""

    MZ = "mz"
    ELF = "elf"
    CONTAINER = "container"
    """ZIP, RAR, OLE, PDF and RTF: many bytes, few rules."""
    OTHER = "other"


MAGICS: Final[Mapping[Start, tuple[bytes, ...]]] = {
    Start.MZ: (b"MZ",),
    Start.ELF: (b"\x7fELF",),
    Start.CONTAINER: (b"PK", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF", b"{\\rt"),
}
HEAD_BYTES: Final = 4
"""What tells starts apart."""


def start_of(head: bytes) -> Start:
    """What an object that begins with ``head`` (at least ``HEAD_BYTES``, or all it has) counts as."""
    return next((start for start, magics in MAGICS.items() if head.startswith(magics)), Start.OTHER)


def starts_of(prefix: bytes) -> Iterator[Start]:
    """Every start that an object beginning with ``prefix`` can have."""
    for start, magics in MAGICS.items():
        if prefix.startswith(magics):
            yield start
            return
        if any(magic.startswith(prefix) for magic in magics):
            yield start
    yield Start.OTHER
