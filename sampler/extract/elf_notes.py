"""Notes of an ELF file (gABI chapter 5, "Note Section"): build ids, ABI tags, properties, what packagers wrote.

Never raises; notes that lie about their lengths end the walk through their stretch.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.elf_image import ElfImage
from sampler.extract.naming import printable

NOTES_MAX_COUNT: Final = 256
STRETCHES_MAX_COUNT: Final = 128
"""Segments and sections of notes that are walked; linkers write a handful."""
_OWNER_MAX_BYTES: Final = 64
_DESCRIPTION_MAX_BYTES: Final = 1024
_FOR_LINKERS: Final = ".gnu.build.attributes"
"""Hundreds of notes that compilers of some distributions leave, one for each function; the section says enough."""
_PT_NOTE: Final = 4
_SHT_NOTE: Final = 7
_HEAD_BYTES: Final = 12

BUILD_ID: Final = ("GNU", 3)
GO_BUILD_ID: Final = ("Go", 4)
PACKAGE: Final = ("FDO", 0xCAFE1A7E)
_NAMES: Final = {
    ("GNU", 1): "abi-tag", ("GNU", 2): "hwcap", BUILD_ID: "build-id", ("GNU", 4): "gold-version",
    ("GNU", 5): "property", GO_BUILD_ID: "build-id", PACKAGE: "package", ("stapsdt", 3): "probe", ("CORE", 1): "status",
    ("CORE", 3): "process", ("CORE", 4): "auxiliary-vector", ("CORE", 0x46494C45): "files",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ElfNote:
    """One note."""

    owner: str
    kind: int
    """``n_type``; what it means, the owner says."""
    offset: int
    length: int
    """Bytes with its head and without what pads it."""
    description: bytes
    """At most ``_DESCRIPTION_MAX_BYTES`` of it."""

    @property
    def name(self) -> str:
        """``GNU/build-id``, ``GNU/5``."""
        return f"{self.owner}/{_NAMES.get((self.owner, self.kind), self.kind)}"

    @property
    def identity(self) -> tuple[str, int]:
        """To be compared with ``BUILD_ID`` and its like."""
        return self.owner, self.kind


def read_notes(image: ElfImage) -> tuple[tuple[ElfNote, ...], str]:
    """Every note once, by offset, and why not all of them when some are missing."""
    notes: dict[int, ElfNote] = {}
    broken = False
    for stretch in itertools.islice(_stretches(image), STRETCHES_MAX_COUNT):
        for note in _walk(image, *stretch):
            if note is None:
                broken = True
            elif len(notes) == NOTES_MAX_COUNT and note.offset not in notes:
                return _sorted(notes), f"notes: only {NOTES_MAX_COUNT} are read"
            else:
                notes.setdefault(note.offset, note)
    return _sorted(notes), "notes: one is longer than its section" if broken else ""


def _walk(image: ElfImage, offset: int, length: int, alignment: int) -> Iterator[ElfNote | None]:
    """The notes of one stretch; ``None`` last when one of them does not fit into it."""
    end = min(offset + length, len(image.view))
    while offset + _HEAD_BYTES <= end:
        note = _read_one(image, offset, end, alignment)
        yield note
        if note is None:
            return
        offset += note.length + -note.length % alignment


def _sorted(notes: dict[int, ElfNote]) -> tuple[ElfNote, ...]:
    return tuple(notes[offset] for offset in sorted(notes))


def _stretches(image: ElfImage) -> Iterator[tuple[int, int, int]]:
    """Offset, length and alignment of everything that holds notes; segments first, which the loader reads."""
    for segment in image.segments:
        if segment.kind == _PT_NOTE:
            yield segment.offset, segment.length, 8 if segment.alignment == 8 else 4
    for section in image.sections:
        if section.kind == _SHT_NOTE and section.length > 0 and not section.name.startswith(_FOR_LINKERS):
            wide = section.name == ".note.gnu.property" and image.header.bits == 64
            yield section.offset, section.length, 8 if wide else 4


def _read_one(image: ElfImage, offset: int, end: int, alignment: int) -> ElfNote | None:
    head = image.view[offset : offset + _HEAD_BYTES]
    name_length, length, kind = struct.unpack(image.header.byte_order + "III", head)
    name_end = _HEAD_BYTES + name_length
    start = offset + name_end + -name_end % alignment
    if start + length > end:
        return None
    name = image.view[offset + _HEAD_BYTES : offset + _HEAD_BYTES + min(name_length, _OWNER_MAX_BYTES)]
    description = image.view[start : start + min(length, _DESCRIPTION_MAX_BYTES)]
    return ElfNote(printable(name.partition(b"\0")[0]), kind, offset, start + length - offset, description)
