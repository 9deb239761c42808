"""The data directories of a PE (PE Format, "Optional Header Data Directories") as far as they lie in the file."""

from __future__ import annotations

from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.pe_image import Image
from sampler.model import PartKind

EXPORT: Final = 0
IMPORT: Final = 1
RESOURCE: Final = 2
SECURITY: Final = 4
DEBUG: Final = 6
TLS: Final = 9
DELAY_IMPORT: Final = 13
CLR: Final = 14

_NAMES: Final = {
    EXPORT: "export", IMPORT: "import", 3: "exception", 5: "relocations", DEBUG: "debug", TLS: "tls", 10: "load-config",
    11: "bound-import", 12: "iat", DELAY_IMPORT: "delay-import", CLR: "clr",
}  # fmt: skip
"""Those that are tables. Resources are regions of their own; the certificate table is no part of the image."""


def add_directories(image: Image, survey: Survey) -> None:
    """A region for each table, clipped to the section that it begins in."""
    for index, name in _NAMES.items():
        address, length = image.directory(index)
        if address and length:
            add_stretch(image, survey, name, address, length)


def add_stretch(image: Image, survey: Survey, name: str, address: int, length: int) -> None:
    """A region of kind ``directory`` at a relative virtual address, as far as its bytes are in the file."""
    offset, inside = image.offset_of(address), min(length, image.extent(address))
    if inside < length:
        survey.add_problem("directory-outside", f"{name}: {inside} of {length} bytes at {address:#x} are in the file")
    if offset is not None:
        survey.add_region(PartKind.DIRECTORY, name, offset, inside)
