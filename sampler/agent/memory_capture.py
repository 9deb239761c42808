"""The memory of a process as an object: chosen regions one behind the other, each a part named by its address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

from sampler import snapshot
from sampler.agent.taken import Capture, Taken
from sampler.capture import Mapped, MemoryReading, OpenProcess, open_process, parse_maps, select_regions, windows_in
from sampler.model import (
    Candidate,
    Failure,
    Field,
    ObjectState,
    Omission,
    PartKind,
    Problem,
    ProcessMemorySource,
    Region,
    RuleMatch,
)
from sampler.snapshot import SnapshotTaker


def capture_memory(snapshots: SnapshotTaker, candidate: Candidate, source: ProcessMemorySource) -> Taken | Failure:
    """Read what the source selects. Blocking.

    Raises:
        SpoolFull, SpoolError: the copy cannot be kept.
    """
    process = open_process(source.pid, source.started, candidate.peer)
    if isinstance(process, Failure):
        return process
    with closing(process):
        return _read(snapshots, candidate.peer.uid, source, process)


def _read(snapshots: SnapshotTaker, uid: int, source: ProcessMemorySource, process: OpenProcess) -> Taken | Failure:
    selected = select_regions(parse_maps(process.map_text, process.seen.path), source.selection)
    reading = MemoryReading(process.memory, selected.regions, uid=uid)
    expected_bytes = sum(region.size for region in selected.regions)
    copy = snapshots.keep_pieces(reading.pieces(), expected_bytes=expected_bytes)
    became = process.what_became()
    if not reading.kept:
        snapshot.release(copy)
        return _nothing(source.pid, became)
    ended = () if became is None else (became,)
    capture = Capture(
        PartKind.MEMORY,
        _Regions(tuple(reading.kept), source.selection.match_window_bytes),
        path=process.seen.path,
        fields=(Field("sampler.memory.regions", tuple(_line(mapped) for mapped, _ in reading.kept)),),
        omissions=(*(Omission("memory", each.detail) for each in ended), *selected.omissions, *reading.omissions()),
        problems=ended,
    )
    return Taken(copy, capture)


class _Regions:
    """The regions that were read, or what lies around the hits in them."""

    def __init__(self, kept: Sequence[tuple[Mapped, Region]], window_bytes: int | None) -> None:
        self._kept = kept
        self._window_bytes = window_bytes

    def __call__(self, matches: Iterable[RuleMatch]) -> tuple[Region, ...]:
        if self._window_bytes is None:
            return tuple(place for _, place in self._kept)
        return windows_in(self._kept, matches, self._window_bytes)


def _nothing(pid: int, became: Problem | None) -> Failure:
    if became is not None:
        return Failure(ObjectState.VANISHED, became.code, became.detail)
    detail = f"nothing of process {pid}'s memory is both selected and readable"
    return Failure(ObjectState.UNREADABLE, "nothing-selected", detail)


def _line(mapped: Mapped) -> str:
    """Address, size, permission, offset in what it is mapped from, and class; never its path."""
    return f"{mapped.start:x} {mapped.size} {mapped.permission} {mapped.file_offset} {mapped.kind}"
