"""The stretches around the hits of rules in captured memory, each named by the region and address it lies at. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sampler.capture.maps import Mapped
from sampler.model import PartKind, Region, RuleMatch


def windows_in(
    kept: Sequence[tuple[Mapped, Region]], matches: Iterable[RuleMatch], window_bytes: int
) -> tuple[Region, ...]:
    """For each hit that lies in one region what is around it, cut to the region; windows that overlap are one.

    A hit that reaches from one region into the next is none: these two do not lie beside each other in the process.

    Args:
        kept: the regions in the order of their offsets.
        matches: what the rules found, at offsets among the captured bytes.
        window_bytes: on each side of a hit.
    """
    windows: list[Region] = []
    offsets = [place.offset for _, place in kept]
    hits = sorted({(hit.offset, hit.offset + hit.length) for match in matches for hit in match.hits})
    for start, end in hits:
        number = bisect_right(offsets, start) - 1
        if number < 0 or end > offsets[number] + kept[number][1].length:
            continue
        mapped, place = kept[number]
        low = max(place.offset, start - window_bytes)
        high = min(place.offset + place.length, end + window_bytes)
        last = windows[-1] if windows else None
        if last is not None and last.offset >= place.offset and low <= last.offset + last.length:
            windows[-1] = replace(last, length=max(last.offset + last.length, high) - last.offset)
        else:
            at = replace(mapped, start=mapped.start + low - place.offset)
            windows.append(Region(PartKind.MEMORY, at.name, low, high - low))
    return tuple(windows)
