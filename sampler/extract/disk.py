"""Boot records, partitions and file systems of a raw disk image; virtual disks are recognised.

Boot records are found as those of real disks are (``boot``). Of the file systems FAT is read: a file that lies in one
piece is a stretch, another one is derived by ``fat:BASE:CLUSTER:SIZE``; the others are named, with their first bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from sampler.errors import NotDerivable
from sampler.extract.affording import unpacked_within
from sampler.extract.boot import KnownSectors, boot_records
from sampler.extract.compressed_streams import Fault, NotUnpacked, Unpacked
from sampler.extract.extraction import Data, Survey
from sampler.extract.fat import FatFile, FatVolume, Run, read_volume, runs, walk
from sampler.extract.listing import listed
from sampler.extract.member_names import name_faults
from sampler.extract.member_stretches import Stretch, survey_stretches
from sampler.limits import KIB
from sampler.model import PartKind, Region

_STEP: Final = re.compile(r"(\d{1,19}):(\d{1,10}):(\d{1,10})", re.ASCII)
_CLUSTERS_MAX_COUNT: Final = 1_000_000
"""Clusters of all files of one volume that are followed."""
_VOLUMES_MAX_COUNT: Final = 16
"""Volumes whose files are looked for."""
_FILE_SYSTEMS: Final = (
    ("ntfs", 3, b"NTFS    "), ("exfat", 3, b"EXFAT   "), ("xfs", 0, b"XFSB"), ("ext", 0x438, b"\x53\xef"),
    ("btrfs", 0x10040, b"_BHRfS_M"), ("squashfs", 0, b"hsqs"), ("luks", 0, b"LUKS\xba\xbe"),
    ("bitlocker", 3, b"-FVE-FS-"), ("hfs+", 0x400, b"H+"), ("apfs", 32, b"NXSB"), ("refs", 3, b"ReFS\0"),
)  # fmt: skip
"""Name, offset in the volume, mark."""
_GPT_MARK: Final = b"EFI PART"
_SUPERBLOCK_BYTES: Final = 4 * KIB


def looks_like_disk(head: bytes) -> bool:
    """Whether it begins as a disk or a volume does: a boot mark with a table or parameters, a GPT, a file system."""
    if head[512:520] == _GPT_MARK or head[4096:4104] == _GPT_MARK or _file_system(head, 0):
        return True
    return head[510:512] == b"\x55\xaa" and (_has_partitions(head) or read_volume(head, 0) is not None)


def survey_disk(data: Data, survey: Survey) -> bool:
    """Add the boot records of a disk or volume, and the files of its FAT volumes."""
    sector_bytes = 4096 if bytes(data[4096:4104]) == _GPT_MARK else 512
    # ``read`` slices as ``bytes`` do, and makes bytes of what it gets.
    records = boot_records(KnownSectors(survey.size, sector_bytes, ((0, cast("bytes", data)),)))
    volumes = [0, *(record.offset for record in records if record.name.startswith("vbr:") and record.offset)]
    systems = [(base, _system_at(data, base)) for base in volumes[:_VOLUMES_MAX_COUNT]]
    survey.add_region(PartKind.HEADER, "", 0, min(_SUPERBLOCK_BYTES, survey.size))
    _add_records(survey, records, dict(systems).get(0, ""))
    survey.add_field("sampler.file.archive.format", "disk")
    survey.add_field("sampler.file.disk.file_systems", tuple(f"{name}@{base}" for base, name in systems if name))
    for base, name in systems:
        if name == "fat":
            _survey_fat(data, survey, base)
    return True


def fat_step(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``fat:BASE:CLUSTER:SIZE``: a file of ``SIZE`` bytes from its first cluster on.

    Raises:
        NotDerivable: there is no volume at that offset, or its chain of clusters is shorter than the file.
    """
    parts = _STEP.fullmatch(argument)
    volume = read_volume(data, int(parts[1])) if parts and int(parts[1]) < len(data) else None
    if parts is None or volume is None:
        raise NotDerivable(f"no file {argument!r}")
    return _joined(data, volume, FatFile("", b"", int(parts[2]), int(parts[3])), ceiling).content


def _survey_fat(data: Data, survey: Survey, base: int) -> None:
    volume = read_volume(data, base)
    if volume is None:
        return
    faults: list[Fault] = []
    files = list(walk(data, volume, faults))
    for fault in (*faults, *name_faults((file.name, file.raw_name) for file in files if not file.deleted)):
        survey.add_problem(fault.code, fault.detail)
    survey.add_field("sampler.file.archive.members_count", len(files))
    survey.add_field("sampler.file.archive.members", listed(file.name for file in files))
    whole: list[Stretch] = []
    for file, pieces in _placed(data, survey, volume, files):
        if len(pieces) == 1:
            whole.append((file.name, *pieces[0]))
        else:
            _add_broken(data, survey, volume, base, file)
    survey_stretches(data, survey, [*whole, *_deleted(volume, files)])


def _placed(
    data: Data, survey: Survey, volume: FatVolume, files: Sequence[FatFile]
) -> Iterator[tuple[FatFile, list[Run]]]:
    """Each file that is there, with its stretches, as far as the ceiling of clusters lets them be followed."""
    left = _CLUSTERS_MAX_COUNT
    for file in files:
        left -= 0 if file.deleted else -(-file.size // volume.cluster_bytes)
        if left < 0:
            survey.add_problem("too-many-members", f"only {_CLUSTERS_MAX_COUNT} clusters of a volume are followed")
            return
        pieces = [] if file.deleted else runs(data, volume, file)
        if sum(length for _, length in pieces) < file.size and not file.deleted:
            survey.add_problem("truncated", f"{file.name!r}: its clusters hold less than its {file.size} bytes")
        if pieces:
            yield file, pieces


def _add_broken(data: Data, survey: Survey, volume: FatVolume, base: int, file: FatFile) -> None:
    """A file in several pieces."""

    def join(room: int) -> Unpacked:
        return _joined(data, volume, file, room)

    content = unpacked_within(survey, file.name, file.size, join)
    if content is not None:
        survey.add_content(PartKind.MEMBER, file.name, f"fat:{base}:{file.first}:{file.size}", content)


def _joined(data: Data, volume: FatVolume, file: FatFile, ceiling: int) -> Unpacked:
    if file.size > ceiling:
        raise NotUnpacked("too-large", f"{file.size} bytes, at most {ceiling} are put together")
    content = b"".join(bytes(data[offset : offset + length]) for offset, length in runs(data, volume, file))
    fault = Fault("truncated", f"its clusters hold {len(content)} bytes of {file.size}")
    return Unpacked(content, fault if len(content) < file.size else None)


def _deleted(volume: FatVolume, files: Sequence[FatFile]) -> Iterator[Stretch]:
    """Deleted files, as they would lie if nothing was written since: their chain is gone, their beginning is known."""
    for file in files:
        if file.deleted and 2 <= file.first < volume.clusters + 2 and file.size:
            start = volume.stretch(file.first)
            yield f"{file.name} (deleted)", start, min(file.size, volume.end - start)


def _add_records(survey: Survey, records: Sequence[Region], system: str) -> None:
    for record in records:
        name = "superblock" if system not in ("", "fat", "ntfs", "exfat") and record.name == "mbr" else record.name
        length = max(record.length, _SUPERBLOCK_BYTES) if name == "superblock" else record.length
        survey.add_region(PartKind.BOOT, name, record.offset, min(length, survey.size - record.offset))


def _system_at(data: Data, base: int) -> str:
    head = bytes(data[base : base + 0x10048])
    return _file_system(head, 0) or ("fat" if read_volume(data, base) else "")


def _file_system(head: bytes, base: int) -> str:
    return next((name for name, at, mark in _FILE_SYSTEMS if head[base + at : base + at + len(mark)] == mark), "")


def _has_partitions(head: bytes) -> bool:
    """Four rows whose status is 0 or 0x80, and one at least that has a type, a place and a length."""
    rows = [head[at : at + 16] for at in range(446, 510, 16)]
    return all(row[0] in (0, 0x80) for row in rows) and any(
        row[4] and any(row[8:12]) and any(row[12:16]) for row in rows
    )
