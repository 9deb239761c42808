"""Which regions of a process's memory are taken, and in which order they go when not all fit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sampler.capture.maps import Mapped, RegionClass
from sampler.limits import FAILED_RANGES_MAX_COUNT, MEMORY_CAPTURE_MAX_BYTES, MEMORY_REGIONS_MAX_COUNT
from sampler.model import MemorySelection, Omission


@dataclass(frozen=True, slots=True)
class Selected:
    """What is to be read, by address, and what of the selection is not."""

    regions: tuple[Mapped, ...]
    omissions: tuple[Omission, ...] = ()


def select_regions(
    regions: Iterable[Mapped],
    selection: MemorySelection,
    *,
    max_bytes: int = MEMORY_CAPTURE_MAX_BYTES,
    max_count: int = MEMORY_REGIONS_MAX_COUNT,
) -> Selected:
    """The regions that a selection means, as far as they fit.

    Without any criterion these are the ones where code lies that no file holds: executable memory without a file,
    memory that is writable and executable, and the code of the program itself. Where they do not all fit, those that
    tell most go first; one that does not fit is cut.
    """
    room = max_bytes
    taken: list[Mapped] = []
    left_out: list[Mapped] = []
    for region in sorted(_meant(regions, selection), key=lambda region: (_rank(region), region.start)):
        fitting = min(region.size, room) if len(taken) < max_count else 0
        if fitting:
            taken.append(replace(region, end=region.start + fitting))
            room -= fitting
        if fitting < region.size:
            left_out.append(replace(region, start=region.start + fitting))
    ordered = tuple(sorted(taken, key=lambda region: region.start))
    return Selected(ordered, tuple(_omissions(left_out, max_bytes)))


def _meant(regions: Iterable[Mapped], selection: MemorySelection) -> Iterator[Mapped]:
    for region in regions:
        if not region.is_readable:
            continue
        if _is_whole(region, selection):
            yield region
        else:
            yield from _cut(region, selection.ranges)


def _is_whole(region: Mapped, selection: MemorySelection) -> bool:
    if selection.everything:
        return True
    if selection.permissions or selection.ranges:
        return any(_fits(region.permission, wanted) for wanted in selection.permissions)
    if selection.match_window_bytes is not None:
        return True  # rules may hit anywhere; only what lies around their hits is sent
    return _rank(region) < _REST


_REST = 3


def _rank(region: Mapped) -> int:
    executable = region.permission[2] == "x"
    if executable and region.permission[1] == "w":
        return 0
    if executable and not region.kind.has_file and region.kind is not RegionClass.VDSO:
        return 1
    return 2 if executable and region.kind is RegionClass.MAIN else _REST


def _fits(permission: str, wanted: str) -> bool:
    return all(sign in ("?", own) for sign, own in zip(wanted, permission, strict=False))


def _cut(region: Mapped, ranges: Iterable[tuple[int, int]]) -> Iterator[Mapped]:
    """The stretches of a region that lie in ranges; ranges that overlap count once."""
    done = region.start
    for first, last in sorted(ranges):
        start, end = max(first, done), min(last, region.end)
        if start < end:
            offset = region.file_offset + start - region.start
            yield replace(region, start=start, end=end, file_offset=offset)
            done = end


def _omissions(left_out: list[Mapped], max_bytes: int) -> Iterator[Omission]:
    for region in left_out[:FAILED_RANGES_MAX_COUNT]:
        reason = f"its {region.size} bytes do not fit into a capture of {max_bytes} bytes"
        yield Omission(f"memory:{region.name}", reason)
    if rest := left_out[FAILED_RANGES_MAX_COUNT:]:
        yield Omission(
            "memory", f"{len(rest)} further regions, {sum(region.size for region in rest)} bytes, do not fit"
        )
