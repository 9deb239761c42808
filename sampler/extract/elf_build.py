"""What made an ELF file: compilers, the Go version, a packer. Hints, since anyone can write them. Never raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sampler.extract.elf_image import ElfImage
from sampler.extract.listing import listed
from sampler.extract.naming import printable
from sampler.limits import KIB

COMMENT_MAX_BYTES: Final = 4 * KIB
_COMMENT_MAX_CHARACTERS: Final = 1024
_VERSION_MAX_BYTES: Final = 32

_GO_MARK: Final = b"\xff Go buildinf:"
_GO_SECTIONS: Final = (".go.buildinfo", ".note.go.buildid", ".gopclntab")
_GO_VERSION_AT: Final = 32
"""Go 1.18 and later keep the version's length and text inline here (``debug/buildinfo``)."""
_GO_INLINE: Final = 2
_RUST: Final = "rustc"

_UPX_MARK: Final = b"UPX!"
_UPX_NEAR_BYTES: Final = 256
"""UPX puts its mark behind the segment table and into its own header at the end."""


def compilers_of(image: ElfImage) -> tuple[str, ...]:
    """The distinct texts of ``.comment``, sorted: ``GCC: (Debian 12.2.0-14) 12.2.0``."""
    section = image.section_named(".comment")
    if section is None:
        return ()
    data = image.view[section.offset : section.offset + min(section.length, COMMENT_MAX_BYTES)]
    return listed(sorted(set(data.split(b"\0"))), _COMMENT_MAX_CHARACTERS)


def languages_of(image: ElfImage, compilers: tuple[str, ...]) -> tuple[str, ...]:
    """``go``, ``rust``: what section names and compilers tell of the source."""
    return tuple(_languages({section.name for section in image.sections}, compilers))


def _languages(sections: set[str], compilers: tuple[str, ...]) -> Iterator[str]:
    if not sections.isdisjoint(_GO_SECTIONS):
        yield "go"
    if any(text.startswith(_RUST) for text in compilers):
        yield "rust"


def go_version_of(image: ElfImage) -> str:
    """``go1.22.1``; empty for other programs and for Go before 1.18, which keeps it elsewhere."""
    section = image.section_named(".go.buildinfo")
    if section is None:
        return ""
    data = image.view[section.offset : section.offset + _GO_VERSION_AT + 1 + _VERSION_MAX_BYTES]
    if not data.startswith(_GO_MARK) or len(data) <= _GO_VERSION_AT or not data[15] & _GO_INLINE:
        return ""
    length = data[_GO_VERSION_AT]
    return printable(data[_GO_VERSION_AT + 1 : _GO_VERSION_AT + 1 + min(length, _VERSION_MAX_BYTES)])


def packer_of(image: ElfImage) -> str:
    """``UPX`` where its mark stands at one of its two places."""
    header = image.header
    start = header.segments_offset + len(image.segments) * header.segment_entry_size
    size = len(image.view)
    near = image.view[start : start + _UPX_NEAR_BYTES], image.view[max(0, size - _UPX_NEAR_BYTES) : size]
    return "UPX" if image.segments and any(_UPX_MARK in data for data in near) else ""
