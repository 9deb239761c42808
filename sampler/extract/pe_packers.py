"""What packed a PE or what installs from it, and what else is odd about its layout: by structure, not by its code.

A hint and no verdict: names of sections and marks can be forged, and whoever packs can remove them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.pe_image import Image, Section
from sampler.limits import KIB

_EXECUTE: Final = 0x2000_0000
_WRITE: Final = 0x8000_0000
_CODE: Final = 0x20
_NEAR_BYTES: Final = 4 * KIB
"""How far a mark is looked for at the beginning of a file, and at its end."""
_INFLATED_TIMES: Final = 8
"""A section that claims so many times its bytes in the file is filled by a program that unpacks it."""

_SECTION_NAMES: Final = {
    "UPX0": "UPX", "UPX1": "UPX", ".aspack": "ASPack", ".adata": "ASPack", ".petite": "Petite", ".MPRESS1": "MPRESS",
    ".vmp0": "VMProtect", ".vmp1": "VMProtect", ".themida": "Themida", ".winlice": "WinLicense", ".nsp0": "NsPack",
    "nsp0": "NsPack", "PEC2TO": "PECompact", "PEC2": "PECompact", ".enigma1": "Enigma", "FSG!": "FSG", ".y0da": "yoda",
    ".MEW": "MEW", "MEW": "MEW", ".kkrunch": "kkrunchy",
}  # fmt: skip

_OVERLAYS: Final = (
    (b"Rar!\x1a\x07", "RAR self-extractor"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip self-extractor"),
    (b";!@Install@!", "7-Zip self-extractor"),
    (b"PK\x03\x04", "ZIP self-extractor"),
    (b"MSCF", "cabinet self-extractor"),
    (b"zlb\x1a", "Inno Setup"),
    (b"idska32\x1a", "Inno Setup"),
    (b"InstallShield\0", "InstallShield"),
)
"""What an overlay begins with, and who appends such."""
_NSIS: Final = b"\xef\xbe\xad\xdeNullsoftInst"
_PYINSTALLER: Final = b"MEI\x0c\x0b\x0a\x0b\x0e"
_INNO_LOADER: Final = b"rDlPtS"
_AUTOIT: Final = b"AU3!EA06"


def packer_of(image: Image) -> str:
    """``UPX``, ``MPRESS``: by the names of sections or UPX's own mark; empty for anything else."""
    if b"UPX!" in image.view[:_NEAR_BYTES]:
        return "UPX"
    return next((_SECTION_NAMES[row.name] for row in image.sections if row.name in _SECTION_NAMES), "")


def installer_of(view: BoundedView, overlays: tuple[tuple[int, int], ...], resources: dict[str, bytes]) -> str:
    """What kind of installer or self-extractor it is; empty for none that is known.

    Args:
        view: the file.
        overlays: offset and length of each.
        resources: by the type and name of those that can tell, the first bytes of their data.
    """
    for offset, length in overlays:
        if found := _by_overlay(view[offset : offset + min(length, _NEAR_BYTES)], _tail(view, offset, length)):
            return found
    if any(data.startswith(_INNO_LOADER) for data in resources.values()):
        return "Inno Setup"
    if any(data.startswith(b"MSCF") for data in resources.values()):
        return "IExpress"
    return "AutoIt" if any(_AUTOIT in data for data in resources.values()) else ""


def oddities_of(image: Image, entry: int) -> tuple[str, ...]:
    """Words for what compilers do not do, of a program whose entry point is at a relative virtual address."""
    return tuple(dict.fromkeys((*_entry_oddities(image, entry), *_section_oddities(image.sections))))


def _tail(view: BoundedView, offset: int, length: int) -> bytes:
    return view[max(offset, offset + length - _NEAR_BYTES) : offset + length]


def _by_overlay(head: bytes, tail: bytes) -> str:
    if head[4 : 4 + len(_NSIS)] == _NSIS:
        return "NSIS"
    if _PYINSTALLER in tail:
        return "PyInstaller"
    if _AUTOIT in head[: 2 * len(_AUTOIT) + 32]:
        return "AutoIt"
    return next((name for mark, name in _OVERLAYS if head.startswith(mark)), "")


def _entry_oddities(image: Image, entry: int) -> Iterator[str]:
    section = image.section_of(entry) if entry else None
    if section is None:
        if entry:
            yield "entry-in-headers"
        return
    if section is image.sections[-1] and len(image.sections) > 1:
        yield "entry-in-last-section"
    if not section.flags & (_EXECUTE | _CODE):
        yield "entry-in-data"
    if section.flags & _WRITE:
        yield "entry-in-writable-section"


def _section_oddities(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        if section.flags & _EXECUTE and section.flags & _WRITE:
            yield "writable-and-executable-section"
        if section.flags & _EXECUTE and section.virtual_length > _INFLATED_TIMES * max(section.length, KIB):
            yield "section-filled-at-run-time"
