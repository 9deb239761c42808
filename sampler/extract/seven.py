"""Members of a 7z archive. Files that share a folder are unpacked together and once."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import unpacked_within
from sampler.extract.compressed_streams import NotUnpacked, Unpacked, chunks
from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.member_names import name_faults
from sampler.extract.naming import printable
from sampler.extract.passwords import PASSWORDS
from sampler.extract.seven_coders import undo
from sampler.extract.seven_encryption import AES_METHOD
from sampler.extract.seven_headers import (
    ARCHIVE_PROPERTIES,
    ENCODED_HEADER,
    FILES,
    HEADER,
    HEADER_MAX_BYTES,
    MAGIC,
    MAIN_STREAMS,
    SIGNATURE_BYTES,
    Folder,
    HeaderReader,
    SevenFile,
    Streams,
    read_files,
    read_streams,
)
from sampler.extract.stretches import open_stretch
from sampler.model import PartKind

_STEP: Final = re.compile(r"(\d{1,6})(?::(\w{1,32}))?", re.ASCII)
_NO_STREAMS: Final = Streams((), ())
_HEADER_STARTS: Final = (b"\x01\x02", b"\x01\x04", b"\x01\x05", b"\x17\x06")
"""Two properties that can begin a header: what tells a password from a wrong one where there is no checksum."""
_HELD_BACK_BYTES: Final = 16
"""The last bytes of a folder that was not unpacked whole: a branch filter may have looked at what follows them."""


@dataclass(frozen=True, slots=True)
class SevenArchive:
    """What the header of an archive says."""

    files: tuple[SevenFile, ...]
    folders: tuple[Folder, ...]
    end: int
    """Behind the header, which stands last."""
    password: str | None = None
    """What the header itself was encrypted with."""


def survey_seven(data: Data, survey: Survey) -> bool:
    """Add the members of an archive; its header may be damaged or encrypted, which is said."""
    survey.add_region(PartKind.HEADER, "", 0, min(SIGNATURE_BYTES, survey.size))
    survey.add_field("sampler.file.archive.format", "7z")
    try:
        archive = read_seven(data)
    except NotUnpacked as error:
        survey.add_problem(error.code, f"header: {error}")
        return True
    _add_fields(survey, archive)
    for fault in name_faults((printable(file.name), file.name.encode("utf-8", "replace")) for file in archive.files):
        survey.add_problem(fault.code, fault.detail)
    for index in range(len(archive.folders)):
        _survey_folder(data, survey, archive, index)
    if archive.end < survey.size:
        survey.add_problem("data-behind", f"{survey.size - archive.end} bytes stand behind the archive")
        survey.add_region(PartKind.OVERLAY, "", archive.end, survey.size - archive.end)
        open_stretch(data, survey, "", archive.end, survey.size - archive.end)
    return True


def read_seven(data: Data) -> SevenArchive:
    """The files and folders of an archive.

    Raises:
        NotUnpacked: its header is damaged, too long, or encrypted under none of the usual passwords.
    """
    offset, size, crc = _place_of_header(data)
    if size == 0:
        return SevenArchive((), (), SIGNATURE_BYTES)
    header = bytes(data[offset : offset + size])
    if zlib.crc32(header) != crc:
        raise NotUnpacked("damaged", "it has another checksum, or is cut off")
    password: str | None = None
    for _ in range(4):
        reader = HeaderReader(header)
        kind = reader.number()
        if kind == HEADER:
            files, folders = _files_of(reader)
            return SevenArchive(files, folders, offset + size, password)
        if kind != ENCODED_HEADER:
            raise NotUnpacked("damaged", f"it begins with property {kind}")
        header, password = _decoded_header(data, read_streams(reader))
    raise NotUnpacked("damaged", "it is packed again and again")


def unpack_step(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``7z:INDEX`` or ``7z:INDEX:PASSWORD``.

    Raises:
        NotDerivable: there is no such member, or it cannot be unpacked.
    """
    parts = _STEP.fullmatch(argument)
    if parts is None:
        raise NotDerivable(f"no member {argument!r}")
    archive = read_seven(data)
    if int(parts[1]) >= len(archive.files) or not archive.files[int(parts[1])].size:
        raise NotDerivable(f"no member {argument!r}")
    file = archive.files[int(parts[1])]
    made = _unpack_folder(data, archive.folders[file.folder], ceiling, parts[2])
    if file.offset + file.size > len(made.content):
        raise NotDerivable(f"member {argument!r} does not come out whole")
    return made.content[file.offset : file.offset + file.size]


def _place_of_header(data: Data) -> tuple[int, int, int]:
    head = bytes(data[:SIGNATURE_BYTES])
    if len(head) < SIGNATURE_BYTES or not head.startswith(MAGIC):
        raise NotUnpacked("damaged", "the signature header is cut off")
    if zlib.crc32(head[12:]) != int.from_bytes(head[8:12], "little"):
        raise NotUnpacked("damaged", "the signature header has another checksum")
    offset, size = int.from_bytes(head[12:20], "little"), int.from_bytes(head[20:28], "little")
    if size > HEADER_MAX_BYTES:
        raise NotUnpacked("too-large", f"{size} bytes, at most {HEADER_MAX_BYTES} are read")
    return SIGNATURE_BYTES + offset, size, int.from_bytes(head[28:32], "little")


def _files_of(reader: HeaderReader) -> tuple[tuple[SevenFile, ...], tuple[Folder, ...]]:
    streams = _NO_STREAMS
    files: tuple[SevenFile, ...] = ()
    while kind := reader.number():
        if kind == MAIN_STREAMS:
            if files:
                raise NotUnpacked("damaged", "where its streams lie is told behind the files")
            streams = read_streams(reader)
        elif kind == FILES:
            files = read_files(reader, streams)
        elif kind == ARCHIVE_PROPERTIES:
            while reader.number():
                reader.take(reader.number())
        else:
            raise NotUnpacked("unsupported", f"property {kind}")
    return files, streams.folders


def _decoded_header(data: Data, streams: Streams) -> tuple[bytes, str | None]:
    if not streams.folders:
        raise NotUnpacked("damaged", "it is packed into nothing")
    folder = streams.folders[0]
    crc = streams.parts[0][0][1] if streams.parts and streams.parts[0] else None
    for password in _passwords(folder):
        made = _unpack_folder(data, folder, HEADER_MAX_BYTES, password)
        is_header = made.content.startswith(_HEADER_STARTS) or password is None
        if made.fault is None and is_header and crc in (None, zlib.crc32(made.content)):
            return made.content, password
    if _is_encrypted(folder):
        raise NotUnpacked("encrypted", "none of the usual passwords opens it")
    raise NotUnpacked("damaged", "its packed form does not come out as what it was")


def _unpack_folder(data: Data, folder: Folder, ceiling: int, password: str | None) -> Unpacked:
    """What a folder makes, or its first bytes where that is more than ``ceiling``."""
    if not folder.chain:
        raise NotUnpacked("unsupported", "nothing here undoes coders that join streams (BCJ2)")
    made = Unpacked(b"")
    offset = SIGNATURE_BYTES + folder.packed_offset
    packed: Iterable[bytes] = chunks(data, offset, folder.packed_size)
    for coder, size in zip(folder.chain, folder.sizes, strict=True):
        now = undo(coder, packed, min(size, ceiling), ceiling, password)
        made = replace(now, fault=made.fault or now.fault)
        packed = chunks(made.content, 0, len(made.content))
    if folder.size > len(made.content):
        return replace(made, content=made.content[: max(0, len(made.content) - _HELD_BACK_BYTES)])
    return made


def _survey_folder(data: Data, survey: Survey, archive: SevenArchive, index: int) -> None:
    folder = archive.folders[index]
    members = [(place, file) for place, file in enumerate(archive.files) if file.folder == index and file.size]
    if not members:
        return
    used: str | None = None

    def unpack(room: int) -> Unpacked:
        nonlocal used
        made, used = _opened(data, folder, [file for _, file in members], room)
        return made

    title = printable(members[0][1].name)
    content = unpacked_within(survey, title, min(folder.packed_size, survey.size), unpack)
    if content is not None:
        _add_members(survey, members, content, used)


def _add_members(
    survey: Survey, members: Sequence[tuple[int, SevenFile]], content: bytes, password: str | None
) -> None:
    for place, file in members:
        if survey.budget.spent is not None:
            survey.add_problem("budget", f"{printable(file.name)!r}: {survey.budget.spent}")
            return
        bytes_of = content[file.offset : file.offset + file.size]
        if len(bytes_of) < file.size:
            survey.add_problem("too-large", f"{printable(file.name)!r} does not come out whole, nor do those behind it")
            return
        if file.crc not in (None, zlib.crc32(bytes_of)):
            survey.add_problem("checksum", f"{printable(file.name)!r} has another CRC-32 than the archive says")
        survey.budget.pay(0)
        step = f"7z:{place}:{password}" if password else f"7z:{place}"
        survey.add_content(PartKind.MEMBER, printable(file.name), step, bytes_of)


def _opened(data: Data, folder: Folder, files: Sequence[SevenFile], room: int) -> tuple[Unpacked, str | None]:
    """What a folder makes, and with which password; one is right when the first file comes out as what it was."""
    for password in _passwords(folder):
        made = _unpack_folder(data, folder, room, password)
        first = made.content[: files[0].size]
        if password is None or files[0].crc in (None, zlib.crc32(first)):
            return made, password
    raise NotUnpacked("encrypted", "none of the usual passwords opens it")


def _passwords(folder: Folder) -> Sequence[str | None]:
    return PASSWORDS if _is_encrypted(folder) else (None,)


def _is_encrypted(folder: Folder) -> bool:
    return any(coder.method == AES_METHOD for coder in folder.chain)


def _add_fields(survey: Survey, archive: SevenArchive) -> None:
    survey.add_field("sampler.file.archive.members_count", len(archive.files))
    survey.add_field("sampler.file.archive.members", listed(file.name for file in archive.files))
    encrypted = sum(file.folder >= 0 and _is_encrypted(archive.folders[file.folder]) for file in archive.files)
    if encrypted:
        survey.add_field("sampler.file.archive.encrypted_count", encrypted)
