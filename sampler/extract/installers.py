"""Files of installers: what stands behind the program of an NSIS installer, and of those that are recognised only.

The reader of programs has an overlay opened; here it is read as an object of its own. The step ``nsis:INDEX`` makes the
INDEX-th block: 0 is the installer's own header, the files follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import unpacked_within
from sampler.extract.compressed_streams import NotUnpacked, Unpacked
from sampler.extract.extraction import Data, Survey
from sampler.extract.installers_names import file_names
from sampler.extract.installers_nsis import (
    SEARCHED_BYTES,
    Block,
    Installer,
    blocks,
    find_first_header,
    read_installer,
    unpack_block,
    unpack_solid,
)
from sampler.extract.seven_headers import MAGIC as SEVEN_MAGIC
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import PartKind

HEADER_NAME: Final = "[header]"
_STEP: Final = re.compile(r"\d{1,5}", re.ASCII)
_SEVEN_SETTINGS: Final = b";!@Install@!UTF-8!"
_SETTINGS_MAX_BYTES: Final = 32 * KIB
_NAMED: Final = (
    ("Inno Setup", (b"idska32\x1a", b"zlb\x1a", b"Inno Setup Setup Data (")),
    ("InstallShield", (b"ISSetupStream\0", b"InstallShield\0")),
    ("Wise", (b"WiseMain", b"\0\0\0\0WISE")),
)
_HEADER_BYTES: Final = 4 * KIB


@dataclass(frozen=True, slots=True)
class _Opened:
    """An installer with what its blocks are cut from."""

    installer: Installer
    stream: Data
    """The overlay, or what the solid stream made of it."""
    header: Block
    files: int
    """Where the first file's block begins in ``stream``."""
    end: int


def looks_like_nsis(head: bytes) -> bool:
    """Whether a first header stands where a stub would look for it."""
    return find_first_header(head[:SEARCHED_BYTES]) >= 0


def survey_nsis(data: Data, survey: Survey) -> bool:
    """Add the files of an NSIS installer and its own header."""
    offset = find_first_header(bytes(data[:SEARCHED_BYTES]))
    survey.add_region(PartKind.HEADER, "", 0, min(_HEADER_BYTES, survey.size))
    survey.add_field("sampler.file.archive.format", "nsis")
    try:
        installer = read_installer(data, offset)
    except NotUnpacked as error:
        survey.add_problem(error.code, f"NSIS: {error}")
        return True
    stream = _solid_stream(data, survey, installer) if installer.solid else data
    opened = _open(installer, stream) if stream is not None else None
    if opened is None:
        survey.add_problem("damaged", f"NSIS: its header does not come out ({installer.method})")
        return True
    _add_files(survey, opened)
    return True


def unpack_step(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``nsis:INDEX``.

    Raises:
        NotDerivable: there is no such block, or it cannot be unpacked.
    """
    offset = find_first_header(bytes(data[:SEARCHED_BYTES]))
    if not _STEP.fullmatch(argument) or offset < 0:
        raise NotDerivable(f"no block {argument!r}")
    installer = read_installer(data, offset)
    opened = _open(installer, unpack_solid(data, installer, ceiling) if installer.solid else data)
    found = next(islice(_all_blocks(opened), int(argument), None), None) if opened else None
    if opened is None or found is None:
        raise NotDerivable(f"no block {argument!r}")
    return _content(opened, found, ceiling).content


def looks_named(head: bytes) -> bool:
    """Whether it begins with the mark of an installer that is recognised only, or with settings before a 7z archive."""
    return head.startswith((_SEVEN_SETTINGS, *(mark for _, marks in _NAMED for mark in marks)))


def survey_named(data: Data, survey: Survey) -> bool:
    """Say which installer it is; open the archive behind the settings of a self-extracting one."""
    head = bytes(data[:_SETTINGS_MAX_BYTES])
    survey.add_region(PartKind.HEADER, "", 0, min(_HEADER_BYTES, survey.size))
    if head.startswith(_SEVEN_SETTINGS):
        start = head.find(SEVEN_MAGIC)
        survey.add_region(PartKind.OVERLAY, "", start, survey.size - start)
        open_stretch(data, survey, "", start, survey.size - start if start > 0 else 0)
        return True
    name = next(name for name, marks in _NAMED if head.startswith(marks))
    survey.add_field("sampler.file.archive.format", name)
    survey.add_problem("unsupported", f"the files of an installer made by {name} are not unpacked")
    return True


def _solid_stream(data: Data, survey: Survey, installer: Installer) -> bytes | None:
    def unpack(room: int) -> Unpacked:
        return Unpacked(unpack_solid(data, installer, room))

    return unpacked_within(survey, "NSIS", installer.length, unpack)


def _open(installer: Installer, stream: Data) -> _Opened | None:
    start, end = (0, len(stream)) if installer.solid else (installer.start, installer.start + installer.length)
    header = next(blocks(stream, start, end, solid=installer.solid), None)
    if header is None or (installer.solid and header.length != installer.header_bytes):
        return None
    return _Opened(installer, stream, header, header.offset + header.length, end)


def _all_blocks(opened: _Opened) -> Iterator[Block]:
    yield opened.header
    yield from blocks(opened.stream, opened.files, opened.end, solid=opened.installer.solid)


def _content(opened: _Opened, block: Block, ceiling: int) -> Unpacked:
    if opened.installer.solid:
        return Unpacked(bytes(opened.stream[block.offset : block.offset + block.length]))
    return unpack_block(opened.stream, block, opened.installer.method, ceiling)


def _add_files(survey: Survey, opened: _Opened) -> None:
    names: dict[int, str] = {}
    for index, block in enumerate(_all_blocks(opened)):
        if survey.budget.spent is not None:
            survey.add_problem("budget", f"NSIS: {survey.budget.spent}")
            return
        name = names.get(block.offset - 4 - opened.files, f"[{index}]") if index else HEADER_NAME

        def unpack(room: int, block: Block = block) -> Unpacked:
            return _content(opened, block, room)

        content = unpacked_within(survey, name, block.length, unpack)
        if content is None:
            continue
        if index == 0:
            names = file_names(content)
        survey.add_content(PartKind.MEMBER, name, f"nsis:{index}", content)
