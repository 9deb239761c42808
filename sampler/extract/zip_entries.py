"""Members of a ZIP file: what the archive says of them, and their bytes (APPNOTE.TXT 6.3.10).

``entries`` is total and bounded: it never raises, reads records and no contents, and yields at most
``ENTRIES_MAX_COUNT``. The same bytes have the same entries under the same indexes again. OOXML, JAR, APK and wheels are
ZIP files too: their readers use what stands here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import (
    Copier,
    Decoder,
    Fault,
    Inflater,
    NotUnpacked,
    Unpacked,
    bunzip,
    chunks,
    lzma1_filter,
    raw_lzma,
    unpack_stream,
    unxz,
    unzstd,
)
from sampler.extract.extraction import Data, Survey
from sampler.extract.member_names import name_faults
from sampler.extract.passwords import PASSWORDS
from sampler.extract.zip_directory import (
    DESCRIBED_BEHIND,
    ENTRIES_MAX_COUNT,
    ZipEntry,
    find_directory,
    read_central,
    read_local,
    read_locals,
)
from sampler.extract.zip_encryption import decrypted
from sampler.model import PartKind

_STORED, _DEFLATED, _BZIP2, _LZMA, _ZSTD_OLD, _ZSTD, _XZ = 0, 8, 12, 14, 20, 93, 95
_METHODS: Final = frozenset({_STORED, _DEFLATED, _BZIP2, _LZMA, _ZSTD_OLD, _ZSTD, _XZ})
_STEP: Final = re.compile(r"(\d{1,6})(?::(\w{1,32}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ZipFile:
    """Everything that the records of an archive say; offsets and lengths in bytes, inside the object."""

    entries: tuple[ZipEntry, ...]
    faults: tuple[Fault, ...] = ()
    directory_offset: int = 0
    directory_length: int = 0
    """0 where there is no central directory."""
    end: int = 0
    """Behind the end record and its comment; 0 where there is none."""

    @property
    def start(self) -> int:
        """Of the first member, or of the directory where there is none."""
        return min((entry.offset for entry in self.entries if entry.start >= 0), default=self.directory_offset)


def entries(data: Data) -> tuple[ZipEntry, ...]:
    """The members of an archive in the order of its directory, then those that only have a local header."""
    return read_zip(data).entries


def read_zip(data: Data, *, from_end: bool = False) -> ZipFile:
    """The members of an archive, and what is wrong with its records.

    Args:
        data: the object.
        from_end: whether an archive without a central directory is none.
    """
    directory = find_directory(data)
    if directory is None:
        found = () if from_end else tuple(read_locals(data, 0, len(data), 0))
        return ZipFile(found, (Fault("no-directory", "there is no central directory, or it leads nowhere"),))
    named = [_settled(data, entry) for entry in read_central(data, directory)]
    hidden = list(_between(data, named, directory.offset))
    faults = [
        *_count_faults(directory.count, len(named)),
        *name_faults((entry.name, entry.raw_name) for entry in named),
        *_place_faults(named),
    ]
    if hidden:
        first = hidden[0].name
        faults.append(Fault("hidden-members", f"{len(hidden)} that the directory does not name, such as {first!r}"))
    length = min(directory.length, len(data) - directory.offset)
    return ZipFile((*named, *hidden), tuple(faults), directory.offset, length, directory.end)


def unpack(data: Data, entry: ZipEntry, ceiling: int, password: str | None = None) -> bytes:
    """The bytes of a member, at most ``ceiling``; what comes out before a damaged stream breaks is taken.

    Raises:
        NotUnpacked: its ``code`` says why: ``too-large``, ``damaged``, ``encrypted``, ``unsupported``.
    """
    return unpack_noting(data, entry, ceiling, password).content


def unpack_noting(data: Data, entry: ZipEntry, ceiling: int, password: str | None = None) -> Unpacked:
    """As ``unpack``, with what was wrong: a stream that breaks off, a checksum or a size that does not agree."""
    if entry.start < 0:
        raise NotUnpacked("damaged", f"there is no local header at {entry.offset}")
    if entry.packed_size > 2 * ceiling:
        raise NotUnpacked("too-large", f"{entry.packed_size} packed bytes")
    packed: Iterable[bytes] = chunks(data, entry.start, entry.packed_size)
    method = entry.method
    if entry.is_encrypted:
        packed = decrypted(packed, entry, password)
        method = entry.aes.method if entry.aes else method
    made = _unpack_method(method, packed, ceiling)
    if entry.is_encrypted and not _agrees(entry, made):
        raise NotUnpacked("encrypted", "the password is another one")
    return made if made.fault else replace(made, fault=_disagreement(entry, made.content))


def unpack_step(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``zip:INDEX`` or ``zip:INDEX:PASSWORD``.

    Raises:
        NotDerivable: there is no such member, or it cannot be unpacked.
    """
    parts = _STEP.fullmatch(argument)
    entry = _entry_at(data, int(parts[1])) if parts else None
    if parts is None or entry is None:
        raise NotDerivable(f"no member {argument!r}")
    return unpack(data, entry, ceiling, parts[2])


def _entry_at(data: Data, index: int) -> ZipEntry | None:
    """The entry that ``entries`` has at an index; one that the directory names costs only what is read before it."""
    directory = find_directory(data)
    named = islice(read_central(data, directory), index, None) if directory else iter(())
    if (entry := next(named, None)) is not None:
        return _settled(data, entry)
    return next(islice(entries(data), index, None), None)


def survey_members(
    data: Data,
    survey: Survey,
    members: Sequence[ZipEntry],
    kind_of: Callable[[ZipEntry], PartKind] = lambda _entry: PartKind.MEMBER,
) -> None:
    """Open each member within the budget, and keep it as a part of the kind that ``kind_of`` says."""
    for entry, step, content in opened_members(data, survey, members):
        survey.add_content(kind_of(entry), entry.name, step, content)


def opened_members(
    data: Data, survey: Survey, members: Sequence[ZipEntry], passwords: Sequence[str] = PASSWORDS
) -> Iterator[tuple[ZipEntry, str, bytes]]:
    """Each member that can be opened within the budget, with the step that makes it; the others become problems."""
    for position, entry in enumerate(members):
        room = survey.budget.room(min(entry.packed_size, len(data)))
        if room == 0:
            left = len(members) - position
            survey.add_problem("budget", f"{survey.budget.spent}; {left} members are not opened")
            return
        if entry.is_folder:
            continue
        for fault in entry.faults:
            survey.add_problem(fault.code, f"{entry.name!r}: {fault.detail}")
        try:
            made, step = _open(data, entry, room, passwords)
        except NotUnpacked as error:
            survey.budget.pay(room if error.code == "too-large" else 0)
            survey.add_problem(error.code, f"{entry.name!r}: {error}")
            continue
        survey.budget.pay(len(made.content))
        if made.fault:
            survey.add_problem(made.fault.code, f"{entry.name!r}: {made.fault.detail}")
        yield entry, step, made.content


def _open(data: Data, entry: ZipEntry, room: int, passwords: Sequence[str]) -> tuple[Unpacked, str]:
    if not entry.is_encrypted:
        return unpack_noting(data, entry, room), f"zip:{entry.index}"
    for password in passwords:
        try:
            return unpack_noting(data, entry, room, password), f"zip:{entry.index}:{password}"
        except NotUnpacked as error:
            if error.code != "encrypted":
                raise
    raise NotUnpacked("encrypted", "none of the usual passwords opens it")


def _unpack_method(method: int, packed: Iterable[bytes], ceiling: int) -> Unpacked:
    if method in (_ZSTD, _ZSTD_OLD):
        return unzstd(packed, ceiling)
    if method == _LZMA:
        return _unpack_lzma(packed, ceiling)
    decoders: dict[int, Callable[[], Decoder]] = {_DEFLATED: Inflater, _BZIP2: bunzip, _XZ: unxz}
    if method == _STORED:
        made = unpack_stream(Copier(), packed, ceiling)
        return replace(made, fault=None)
    if method not in decoders:
        raise NotUnpacked("unsupported", f"compression method {method} is not known")
    return unpack_stream(decoders[method](), packed, ceiling)


def _unpack_lzma(packed: Iterable[bytes], ceiling: int) -> Unpacked:
    """LZMA has a header of its own in a ZIP file (5.8.8): version, length of the properties, properties."""
    blocks = iter(packed)
    head = next(blocks, b"")
    length = int.from_bytes(head[2:4], "little")
    decoder = raw_lzma([lzma1_filter(head[4 : 4 + length], ceiling)])
    return unpack_stream(decoder, chain((head[4 + length :],), blocks), ceiling)


def _agrees(entry: ZipEntry, made: Unpacked) -> bool:
    """Whether an encrypted member came out as what it was; AE-2 has no checksum but its own code."""
    without_checksum = entry.aes is not None and entry.aes.version == 2
    return without_checksum or (made.fault is None and zlib.crc32(made.content) == entry.crc)


def _disagreement(entry: ZipEntry, content: bytes) -> Fault | None:
    if entry.aes is None and zlib.crc32(content) != entry.crc and not _is_unknown(entry):
        return Fault("checksum", f"it has CRC-32 {zlib.crc32(content):08x}, the archive says {entry.crc:08x}")
    if entry.size not in (-1, len(content)):
        return Fault("size", f"{len(content)} bytes came out, the archive says {entry.size}")
    return None


def _is_unknown(entry: ZipEntry) -> bool:
    """Whether size and checksum stand behind the member, where no directory repeats them."""
    return entry.size == -1


def _settled(data: Data, entry: ZipEntry) -> ZipEntry:
    """An entry of the directory with its first packed byte, and where its local header says something else."""
    local = read_local(data, entry.offset, entry.index)
    if local is None:
        return entry
    faults = tuple(Fault("headers-disagree", f"{what} in the local header") for what in _differences(entry, local))
    usable = local.method if entry.method not in _METHODS and local.method in _METHODS else entry.method
    method = entry.method if entry.aes else usable
    return replace(entry, start=local.start, faults=faults, method=method)


def _differences(entry: ZipEntry, local: ZipEntry) -> Iterator[str]:
    if local.raw_name != entry.raw_name:
        yield f"the name {local.name!r}"
    if local.method != entry.method:
        yield f"method {local.method} instead of {entry.method}"
    if local.is_encrypted != entry.is_encrypted:
        yield "another encryption"
    if local.flags & DESCRIBED_BEHIND:
        return
    if (local.packed_size, local.size, local.crc) != (entry.packed_size, entry.size, entry.crc):
        yield "other sizes or another checksum"


def _between(data: Data, named: Sequence[ZipEntry], directory_offset: int) -> Iterator[ZipEntry]:
    """Members in the gaps that the directory leaves: a local header where the one before it ends."""
    taken = sorted((entry.offset, entry.start + entry.packed_size) for entry in named if entry.start >= 0)
    index, end = len(named), 0
    for start, stop in [*taken, (directory_offset, directory_offset)]:
        while end < start and index < ENTRIES_MAX_COUNT:
            entry = next(read_locals(data, end, min(end + 4, start), index), None)
            if entry is None:
                break
            yield entry
            index, end = index + 1, max(entry.start + entry.packed_size, entry.start)
        end = max(end, stop)


def _count_faults(claimed: int, found: int) -> Iterator[Fault]:
    if found >= ENTRIES_MAX_COUNT and claimed != found:
        yield Fault("too-many-members", f"only the first {ENTRIES_MAX_COUNT} of {claimed} are read")
    elif claimed & 0xFFFF != found & 0xFFFF:
        yield Fault("directory", f"{found} members where {claimed} are announced")


def _place_faults(named: Sequence[ZipEntry]) -> Iterator[Fault]:
    end, before = 0, ""
    overlaps = 0
    first = ""
    for entry in sorted((entry for entry in named if entry.start >= 0), key=lambda entry: entry.offset):
        if entry.offset < end:
            overlaps += 1
            first = first or f"{entry.name!r} begins inside {before!r}"
        if entry.start + entry.packed_size > end:
            end, before = entry.start + entry.packed_size, entry.name
    if overlaps:
        yield Fault("overlapping-members", f"{overlaps} of them, such as {first}")
