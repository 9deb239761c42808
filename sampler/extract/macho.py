"""Regions and facts of a Mach-O file, thin or fat (Apple, ``mach-o/loader.h`` and ``mach-o/fat.h``).

A small reader of our own, for both classes and both byte orders. Every range that the file claims is checked against
its image before a byte is read. Of a fat binary each program is read where it lies, its names begin with its
processor's (``arm64/__TEXT``), and the facts are those of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Data, Survey
from sampler.extract.macho_fat import FatSlice, is_fat, read_slices
from sampler.extract.macho_fields import add_macho_fields
from sampler.extract.macho_signature import find_signature
from sampler.extract.macho_tables import THIN_MAGICS, ImageView, MachImage, read_header, read_image
from sampler.extract.macho_words import processor
from sampler.extract.naming import printable
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import PartKind

ENTRY_BEFORE_BYTES: Final = 512
ENTRY_AFTER_BYTES: Final = 1536
"""The window around the entry point."""
HEADER_MAX_BYTES: Final = 64 * KIB

_MAIN: Final = 0x80000028
_THREADS: Final = (0x05, 0x04)
"""LC_UNIXTHREAD, LC_THREAD."""
_COUNTERS: Final = {
    7: ("I", 10),
    0x01000007: ("Q", 16),
    12: ("I", 15),
    0x0100000C: ("Q", 32),
    18: ("I", 0),
    0x01000012: ("Q", 0),
}
"""Where the program counter stands in a thread's registers, by processor (``mach/machine/thread_status.h``)."""
_NOTE: Final = 0x31
_SYMTAB: Final = 0x02
_LINK_EDITS: Final = (0x1D, 0x1E, 0x26, 0x29, 0x2B, 0x2E, 0x80000033, 0x80000034)
"""``linkedit_data_command``: signature, function starts, data in code, exports, fixups, …"""


def looks_like_macho(head: bytes) -> bool:
    """Whether these first bytes are worth giving to the reader."""
    return head[:4] in THIN_MAGICS or is_fat(head)


def survey_macho(data: Data, survey: Survey) -> bool:
    """Add everything a Mach-O file has to the survey; ``False`` when it is none and nothing was added but a problem."""
    slices = read_slices(BoundedView(data))
    if slices:
        return _survey_fat(data, slices, survey)
    place = _Place(survey, "", 0, survey.size)
    image = _open_image(data, place)
    if image is None:
        survey.add_problem("not-a-macho", "the Mach-O header is cut off or damaged")
        return False
    survey.add_field("sampler.file.macho.architectures", (processor(image.header.cpu, image.header.cpu_subtype),))
    _survey_image(data, image, place, facts=True)
    return True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image lies in the object, and what its names begin with."""

    survey: Survey
    prefix: str
    base: int
    size: int

    def add(self, kind: PartKind, name: str, offset: int, length: int) -> None:
        """Keep a region of the image as far as it lies in it; the next image's bytes are not this one's."""
        inside = min(length, self.size - offset)
        title = "/".join(filter(None, (self.prefix, name)))
        if length > 0 and inside < length:
            detail = f"{kind} {title!r}: {length} bytes at {offset} of an image of {self.size}"
            self.survey.add_problem("range-outside", detail)
        if inside > 0:
            self.survey.add_region(kind, title, self.base + offset, inside)


def _survey_fat(data: Data, slices: tuple[FatSlice, ...], survey: Survey) -> bool:
    if all(slice_.offset >= survey.size for slice_ in slices):
        survey.add_problem("not-a-macho", "none of the programs of the fat binary is in the file")
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_MAX_BYTES, *(slice_.offset for slice_ in slices)))
    survey.add_field("sampler.file.macho.architectures", tuple(slice_.name for slice_ in slices))
    facts = True
    for slice_ in slices:
        survey.add_region(PartKind.SLICE, slice_.name, slice_.offset, slice_.length)
        length = max(0, min(slice_.length, survey.size - slice_.offset))
        place = _Place(survey, slice_.name, slice_.offset, length)
        image = _open_image(data, place)
        if image is not None:
            _survey_image(data, image, place, facts=facts)
            facts = False
        else:
            open_stretch(data, survey, slice_.name, slice_.offset, length)
    _add_fat_overlay(data, slices, survey)
    return True


def _add_fat_overlay(data: Data, slices: tuple[FatSlice, ...], survey: Survey) -> None:
    """What lies behind the last program; programs that share bytes are noted."""
    end, before = 0, ""
    for slice_ in sorted(slices, key=lambda slice_: slice_.offset):
        if slice_.offset < end:
            survey.add_problem("overlapping-slices", f"{slice_.name!r} begins inside {before!r}")
        end, before = max(end, slice_.offset + slice_.length), slice_.name
    survey.add_region(PartKind.OVERLAY, "", end, survey.size - end)
    open_stretch(data, survey, "", end, survey.size - end)


def _open_image(data: Data, place: _Place) -> MachImage | None:
    view = ImageView(data, place.base, place.size)
    header = read_header(view)
    if header is None:
        return None
    image, problems = read_image(view, header)
    for problem in problems:
        place.survey.add_problem("macho-commands", f"{place.prefix}: {problem}" if place.prefix else problem)
    return image


def _survey_image(data: Data, image: MachImage, place: _Place, *, facts: bool) -> None:
    place.add(PartKind.HEADER, "", 0, min(image.header.size + image.header.commands_size, HEADER_MAX_BYTES, place.size))
    for segment in image.segments:
        place.add(PartKind.SEGMENT, segment.name, segment.offset, segment.length)
    for section in image.sections:
        place.add(PartKind.SECTION, section.name, section.offset, section.length)
    _add_entry_point(image, place, facts=facts)
    signature = find_signature(image)
    if signature is not None:
        place.add(PartKind.CERTIFICATE, "", *signature)
    _add_notes(image, place)
    end = _described_end(image)
    place.add(PartKind.OVERLAY, "", end, place.size - end)
    if facts:
        add_macho_fields(image, place.survey)
    open_stretch(data, place.survey, place.prefix, place.base + end, place.size - end)


def _add_entry_point(image: MachImage, place: _Place, *, facts: bool) -> None:
    main = image.first(_MAIN)
    fields = image.fields(main, "Q") if main else ()
    offset = fields[0] if fields else _thread_entry(image)
    if offset is None:
        return
    if offset >= place.size:
        place.survey.add_problem("entry-point-outside", f"offset {offset:#x} has no byte in the image")
        return
    start = max(0, offset - ENTRY_BEFORE_BYTES)
    place.add(PartKind.ENTRY_POINT, "", start, min(offset + ENTRY_AFTER_BYTES, place.size) - start)
    if facts:
        place.survey.add_field("sampler.file.macho.entrypoint", offset)


def _thread_entry(image: MachImage) -> int | None:
    """The offset that a thread's first state begins at; ``None`` where there is none or no byte is there."""
    thread, counter = image.first(*_THREADS), _COUNTERS.get(image.header.cpu)
    if thread is None or counter is None:
        return None
    layout, index = counter
    values = image.fields(thread, f"II{index}{layout}{layout}")
    return image.offset_of(values[-1]) if values else None


def _add_notes(image: MachImage, place: _Place) -> None:
    for command in image.commands:
        fields = image.fields(command, "16xQQ") if command.kind == _NOTE else ()
        if fields:
            place.add(PartKind.NOTE, printable(command.data[8:24]), fields[0], fields[1])


def _described_end(image: MachImage) -> int:
    """Where everything that the commands describe has ended. A range that lies does not hide what is behind it."""
    ends = [image.header.size + image.header.commands_size]
    ends += [segment.offset + segment.length for segment in image.segments]
    ends += [section.offset + section.length for section in image.sections]
    for command in image.commands:
        if command.kind in _LINK_EDITS:
            ends.append(sum(image.fields(command, "II")))
        elif command.kind == _SYMTAB:
            ends.append(sum(image.fields(command, "8xII")))
    return max((end for end in ends if end <= len(image.view)), default=0)
