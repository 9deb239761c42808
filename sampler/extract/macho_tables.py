"""Header, load commands, segments and sections of one Mach-O image as frozen values (Apple, ``mach-o/loader.h``).

An image is read through a view of its own bytes, so that an offset is always one from the image's first byte. Never
raises.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import MIB

COMMANDS_MAX_COUNT: Final = 2048
COMMANDS_MAX_BYTES: Final = 1 * MIB
"""Of all load commands of one image together."""
SECTIONS_MAX_COUNT: Final = 2048
"""Of all segments of one image."""

THIN_MAGICS: Final = {
    b"\xfe\xed\xfa\xce": (32, ">"), b"\xce\xfa\xed\xfe": (32, "<"),
    b"\xfe\xed\xfa\xcf": (64, ">"), b"\xcf\xfa\xed\xfe": (64, "<"),
}  # fmt: skip
"""Class and byte order by the first four bytes."""

SEGMENT: Final = {32: 0x01, 64: 0x19}
"""LC_SEGMENT and LC_SEGMENT_64."""
_SEGMENTS: Final = {32: "16s8I", 64: "16s4Q4I"}
"""Name, address, length in memory, offset, length, protections, number of sections, flags."""
_SECTIONS: Final = {32: "16s16s9I", 64: "16s16sQQ8I"}
_ZERO_FILLED: Final = (0x01, 0x0C, 0x12)
"""S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL."""


class ImageView:
    """The bytes of one image inside an object; a slice of it costs at most ``SLICE_MAX_BYTES``."""

    __slots__ = ("_base", "_size", "_view")

    def __init__(self, data: Data, base: int, size: int) -> None:
        self._view = BoundedView(data)
        self._base = base
        self._size = max(0, min(size, len(data) - base))

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, wanted: slice) -> bytes:
        start, stop, _ = wanted.indices(self._size)
        return self._view[self._base + start : self._base + max(start, stop)]


@dataclass(frozen=True, slots=True)
class MachHeader:
    """``mach_header`` and ``mach_header_64``; sizes in bytes."""

    bits: int
    byte_order: str
    size: int
    cpu: int
    cpu_subtype: int
    kind: int
    commands_count: int
    commands_size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Command:
    """One load command."""

    kind: int
    offset: int
    data: bytes
    """All of it, with its first eight bytes."""


@dataclass(frozen=True, slots=True)
class MachSection:
    """One section: ``__TEXT,__text``."""

    name: str
    offset: int
    length: int
    """Bytes in the file: 0 for a section that has none there."""


@dataclass(frozen=True, slots=True)
class MachSegment:
    """One segment."""

    name: str
    address: int
    """Virtual address of its first byte."""
    offset: int
    length: int
    """Bytes in the file."""


@dataclass(frozen=True, slots=True)
class MachImage:
    """One Mach-O image whose commands have been read."""

    view: ImageView
    header: MachHeader
    commands: tuple[Command, ...]
    segments: tuple[MachSegment, ...]
    sections: tuple[MachSection, ...]

    def offset_of(self, address: int) -> int | None:
        """Where the byte at a virtual address lies in the image; ``None`` when no segment has it there."""
        for segment in self.segments:
            if 0 <= address - segment.address < segment.length:
                offset = segment.offset + address - segment.address
                return offset if offset < len(self.view) else None
        return None

    def fields(self, command: Command, layout: str) -> tuple[int, ...]:
        """The numbers behind a command's first eight bytes; empty when it is shorter than they are."""
        return unpack(command.data, 8, self.header.byte_order + layout)

    def first(self, *kinds: int) -> Command | None:
        """The first command of one of these kinds."""
        return next((command for command in self.commands if command.kind in kinds), None)


def read_header(view: ImageView) -> MachHeader | None:
    """The header, or ``None`` when it is cut off or is none."""
    known = THIN_MAGICS.get(view[0:4])
    if known is None:
        return None
    bits, order = known
    fields = unpack(view[0:28], 4, order + "6I")
    size = 32 if bits == 64 else 28
    if not fields or len(view) < size:
        return None
    cpu, subtype, kind, count, commands_size, flags = fields
    return MachHeader(bits, order, size, cpu, subtype, kind, count, commands_size, flags)


def read_image(view: ImageView, header: MachHeader) -> tuple[MachImage, tuple[str, ...]]:
    """Everything that the load commands describe, and in words what could not be read of them."""
    commands, command_problem = _read_commands(view, header)
    segments: list[MachSegment] = []
    sections: list[MachSection] = []
    problems = [command_problem]
    for command in commands:
        if command.kind == SEGMENT[header.bits]:
            segment, inside, problem = _read_segment(header, command, SECTIONS_MAX_COUNT - len(sections))
            segments += segment
            sections += inside
            problems.append(problem)
    image = MachImage(view, header, commands, tuple(segments), tuple(sections))
    return image, tuple(filter(None, problems))


def unpack(data: bytes, offset: int, layout: str) -> tuple[int, ...]:
    """The values at an offset; empty when they are not all there."""
    size = struct.calcsize(layout)
    return struct.unpack_from(layout, data, offset) if offset + size <= len(data) else ()


def _read_commands(view: ImageView, header: MachHeader) -> tuple[tuple[Command, ...], str]:
    end = min(header.size + min(header.commands_size, COMMANDS_MAX_BYTES), len(view))
    commands: list[Command] = []
    offset = header.size
    for index in range(min(header.commands_count, COMMANDS_MAX_COUNT)):
        fields = unpack(view[offset : min(offset + 8, end)], 0, header.byte_order + "II")
        if not fields or fields[1] < 8 or fields[1] > end - offset:
            return tuple(commands), f"only {index} of {header.commands_count} load commands are inside"
        commands.append(Command(fields[0], offset, view[offset : offset + fields[1]]))
        offset += fields[1]
    cut = header.commands_count > COMMANDS_MAX_COUNT
    problem = f"only the first {COMMANDS_MAX_COUNT} of {header.commands_count} load commands are read"
    return tuple(commands), problem if cut else ""


def _read_segment(header: MachHeader, command: Command, most: int) -> tuple[list[MachSegment], list[MachSection], str]:
    """The segment, at most so many of its sections, and why not all of them when some are missing."""
    form = struct.Struct(header.byte_order + _SEGMENTS[header.bits])
    if len(command.data) < 8 + form.size:
        return [], [], "a segment command is too short"
    raw, address, _, offset, length, _, _, count, _ = form.unpack_from(command.data, 8)
    name = printable(raw)
    row = struct.Struct(header.byte_order + _SECTIONS[header.bits])
    table = command.data[8 + form.size :]
    present = min(count, len(table) // row.size, most)
    sections = list(_sections(row.iter_unpack(table[: present * row.size])))
    problem = f"{name!r}: only {present} of {count} sections are read" if present < count else ""
    return [MachSegment(name, address, offset, length)], sections, problem


def _sections(rows: Iterator[tuple[bytes | int, ...]]) -> Iterator[MachSection]:
    for section, segment, _, length, offset, _, _, _, flags, *_ in rows:
        assert isinstance(section, bytes) and isinstance(segment, bytes)  # noqa: PT018  # as _SECTIONS says
        assert isinstance(length, int) and isinstance(offset, int) and isinstance(flags, int)  # noqa: PT018
        empty = flags & 0xFF in _ZERO_FILLED or offset == 0
        yield MachSection(f"{printable(segment)},{printable(section)}", offset, 0 if empty else length)
