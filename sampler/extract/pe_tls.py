"""TLS callbacks of a PE (PE Format, "The .tls Section"): code that runs before the entry point."""

from __future__ import annotations

import struct
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.pe_directories import TLS
from sampler.extract.pe_image import Image

CALLBACKS_MAX_COUNT: Final = 64


def read_callbacks(image: Image, survey: Survey) -> tuple[tuple[int, int], ...]:
    """Number and relative virtual address of each callback that lies in the file; all of them become fields."""
    directory, _ = image.directory(TLS)
    if directory == 0:
        return ()
    pointer = struct.Struct("<Q" if image.is_wide else "<I")
    # The fourth of four absolute addresses is that of the table of callbacks.
    row = image.read(directory + 3 * pointer.size, pointer.size)
    if len(row) < pointer.size:
        survey.add_problem("tls", f"directory at {directory:#x} is outside the file")
        return ()
    (table,) = pointer.unpack(row)
    callbacks = _callbacks(image, table - image.base, pointer) if table else []
    if len(callbacks) == CALLBACKS_MAX_COUNT:
        survey.add_problem("tls", f"only the first {CALLBACKS_MAX_COUNT} callbacks are looked at")
    survey.add_field("sampler.file.pe.tls_callbacks_count", len(callbacks))
    survey.add_field("sampler.file.pe.tls_callbacks", tuple(f"{address:#x}" for address in callbacks))
    inside = [(number, row) for number, row in enumerate(callbacks) if image.offset_of(row) is not None]
    if len(inside) < len(callbacks):
        survey.add_problem("tls", f"{len(callbacks) - len(inside)} callbacks have no byte in the file")
    return tuple(inside)


def _callbacks(image: Image, address: int, pointer: struct.Struct) -> list[int]:
    data = image.read(address, CALLBACKS_MAX_COUNT * pointer.size) if address > 0 else b""
    callbacks: list[int] = []
    for (callback,) in pointer.iter_unpack(data[: len(data) // pointer.size * pointer.size]):
        if callback == 0:
            break
        callbacks.append(callback - image.base)
    return callbacks
