"""Disk images of virtual machines: recognised, with what their header says; their contents are not put together."""

from __future__ import annotations

from typing import Final

from sampler.extract.extraction import Data, Survey
from sampler.extract.naming import printable
from sampler.limits import KIB
from sampler.model import PartKind

HEADER_BYTES: Final = 4 * KIB
_MARKS: Final = (
    ("vhd", 0, b"conectix"), ("vhdx", 0, b"vhdxfile"), ("qcow", 0, b"QFI\xfb"), ("vmdk", 0, b"KDMV"),
    ("vmdk", 0, b"COWD"), ("vmdk", 0, b"# Disk DescriptorFile"), ("vdi", 64, b"\x7f\x10\xda\xbe"),
)  # fmt: skip
_BACKING_MAX_BYTES: Final = 1023
"""QEMU, "The Qcow2 Image Format": the name of a backing file is no longer."""


def looks_virtual(head: bytes) -> bool:
    """Whether it begins with one of the marks."""
    return bool(_format(head))


def survey_virtual(data: Data, survey: Survey) -> bool:
    """Add the header and the format's name, and say that the disk itself is not read."""
    head = bytes(data[:HEADER_BYTES])
    name = _format(head)
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    survey.add_field("sampler.file.archive.format", name)
    if name == "qcow":
        survey.add_field("sampler.file.disk.backing_file", _backing_file(data, head))
    survey.add_problem("unsupported", f"the disk inside a {name} image is not put together")
    return True


def _format(head: bytes) -> str:
    return next((name for name, at, mark in _MARKS if head[at : at + len(mark)] == mark), "")


def _backing_file(data: Data, head: bytes) -> str:
    offset, length = int.from_bytes(head[8:16], "big"), int.from_bytes(head[16:20], "big")
    return printable(bytes(data[offset : offset + min(length, _BACKING_MAX_BYTES)])) if 0 < offset < len(data) else ""
