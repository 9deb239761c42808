"""The boot records of a disk as an object: what was read, one stretch behind the other, each record a part.

It goes in rounds: the start and the end of the disk are read, a child says which records these sectors tell of, those
are read, and so on until nothing new is told. Every byte that was read belongs to a part.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sampler import snapshot
from sampler.agent.taken import Capture, Taken
from sampler.capture import BootReader, Disk, open_disk
from sampler.errors import ChildDied, ChildTimedOut
from sampler.examine import Examiner
from sampler.limits import BOOT_ROUNDS_MAX_COUNT, TEXT_MAX_CHARACTERS
from sampler.model import (
    BootSource,
    Candidate,
    Failure,
    Field,
    ObjectState,
    PartKind,
    Problem,
    Region,
    RuleMatch,
    Snapshot,
)
from sampler.runtime.blocking import off_loop
from sampler.snapshot import SnapshotTaker


async def capture_boot(
    snapshots: SnapshotTaker, examiner: Examiner, candidate: Candidate, source: BootSource
) -> Taken | Failure:
    """Read the boot records of a disk.

    Raises:
        SpoolFull, SpoolError: the copy cannot be kept.
        SandboxError: no child can be had.
    """
    disk = await off_loop(open_disk, source.path, candidate.peer)
    if isinstance(disk, Failure):
        return disk
    try:
        return await _read(snapshots, examiner, BootReader(disk, uid=candidate.peer.uid), source.path)
    finally:
        os.close(disk.descriptor)


async def _read(snapshots: SnapshotTaker, examiner: Examiner, reader: BootReader, path: bytes) -> Taken | Failure:
    await off_loop(reader.read_edges)
    if reader.is_blank:
        return Failure(ObjectState.UNREADABLE, "read-error", "neither the start nor the end of the disk could be read")
    records: tuple[Region, ...] = ()
    problems: tuple[Problem, ...] = ()
    copy = await off_loop(_keep, snapshots, reader)
    try:
        for _ in range(BOOT_ROUNDS_MAX_COUNT):
            records = await _told(examiner, copy, reader)
            if not await off_loop(reader.read, [(record.offset, record.length) for record in records]):
                break
            snapshot.release(copy)
            copy = await off_loop(_keep, snapshots, reader)
    except (ChildDied, ChildTimedOut) as error:
        problems = (Problem("capture", "table-not-read", str(error)[:TEXT_MAX_CHARACTERS]),)
    except BaseException:
        snapshot.release(copy)
        raise
    layout = Layout.of(reader)
    capture = Capture(
        PartKind.BOOT,
        _Regions(tuple(layout.regions(records))),
        path=path,
        fields=tuple(_facts(path, reader.disk)),
        omissions=reader.omissions(),
        problems=problems,
    )
    return Taken(copy, capture)


def _keep(snapshots: SnapshotTaker, reader: BootReader) -> Snapshot:
    return snapshots.keep(b"".join(data for _, data in reader.stretches()))


async def _told(examiner: Examiner, copy: Snapshot, reader: BootReader) -> tuple[Region, ...]:
    places = tuple((offset, len(data)) for offset, data in reader.stretches())
    return await examiner.boot_records(copy, places, reader.disk.size, reader.disk.sector_bytes)


def _facts(path: bytes, disk: Disk) -> Iterator[Field]:
    text = path.decode("utf-8", "backslashreplace")
    yield Field("file.path", text)
    yield Field("file.name", text.rpartition("/")[2])
    yield Field("file.type", "block" if disk.is_device else "file")
    yield Field("sampler.disk.size", disk.size)
    yield Field("sampler.disk.sector_bytes", disk.sector_bytes)


class _Regions:
    """The same regions, whatever rules matched."""

    def __init__(self, regions: tuple[Region, ...]) -> None:
        self._regions = regions

    def __call__(self, _matches: Iterable[RuleMatch]) -> tuple[Region, ...]:
        return self._regions


@dataclass(frozen=True, slots=True)
class Layout:
    """Where stretches of a disk lie one behind the other."""

    places: tuple[tuple[int, int, int], ...]
    """On the disk, among the bytes that were kept, and the length; in order."""

    @classmethod
    def of(cls, reader: BootReader) -> Layout:
        """The layout of what was read."""
        places, offset = [], 0
        for place, data in reader.stretches():
            places.append((place, offset, len(data)))
            offset += len(data)
        return cls(tuple(places))

    def regions(self, records: Iterable[Region]) -> Iterator[Region]:
        """A region for each record that was read, and one for each stretch between them."""
        covered: list[tuple[int, int]] = []
        for record in records:
            offset = self._offset_of(record)
            if offset is not None:
                covered.append((offset, offset + record.length))
                yield Region(PartKind.BOOT, f"{record.name}@{record.offset}", offset, record.length)
        for place, offset, length in self.places:
            for start, end in _gaps(offset, offset + length, sorted(covered)):
                yield Region(PartKind.BOOT, f"sectors@{place + start - offset}", start, end - start)

    def _offset_of(self, record: Region) -> int | None:
        number = bisect_right(self.places, (record.offset, 2**63, 0)) - 1
        if number < 0:
            return None
        place, offset, length = self.places[number]
        return offset + record.offset - place if record.offset + record.length <= place + length else None


def _gaps(start: int, end: int, covered: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of a stretch none of the covered ones holds."""
    for first, last in covered:
        if last <= start or first >= end:
            continue
        if first > start:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end
