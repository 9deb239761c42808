"""Which regions a selection means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.capture import Mapped, RegionClass, parse_maps, select_regions, windows_in
from sampler.model import MemorySelection, PartKind, Region, RuleMatch, StringHit

MAPS = rb"""1000-2000 r--p 00000000 fe:00 7      /opt/my app
2000-4000 r-xp 00001000 fe:00 7      /opt/my app
5000-6000 rw-p 00000000 00:00 0      [heap]
7000-8000 rwxp 00000000 00:00 0
9000-a000 r-xp 00000000 fe:00 8      /lib/libc.so.6
a000-b000 r-xp 00000000 fe:00 9      /tmp/gone\012x (deleted)
b000-c000 --xp 00000000 00:01 9      /memfd:code (deleted)
c000-d000 rw-s 00000000 00:01 9      /dev/dri/card0
d000-e000 ---p 00000000 00:00 0
e000-f000 r-xp 00000000 00:00 0      [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]
no line of a map
f000-e000 rwxp 00000000 00:00 0
"""


def names(selection: MemorySelection, **limits: int) -> list[str]:
    return [region.name for region in select_regions(parse_maps(MAPS, b"/opt/my app"), selection, **limits).regions]


def test_a_map_is_read() -> None:
    """Every region with its class; what is no region is passed over."""
    regions = parse_maps(MAPS, b"/opt/my app")
    assert [region.kind.value for region in regions] == [
        "main", "main", "heap", "anonymous", "file", "deleted", "memfd", "device", "anonymous", "vdso", "kernel",
    ]  # fmt: skip
    assert regions[5].path == rb"/tmp/gone\012x (deleted)"


def test_by_default_code_that_no_file_holds() -> None:
    """Writable and executable, executable without a file, and the program's own code; no library."""
    assert names(MemorySelection()) == ["2000-r-xp-main", "7000-rwxp-anonymous", "a000-r-xp-deleted", "b000---xp-memfd"]


def test_by_permission_and_by_address() -> None:
    """Permissions choose whole regions, addresses cut them; devices and closed memory are never taken."""
    assert names(MemorySelection(permissions=("rw?",))) == ["5000-rw-p-heap", "7000-rwxp-anonymous"]
    assert names(MemorySelection(ranges=((0x2800, 0x5800), (0x3000, 0x3800)))) == ["2800-r-xp-main", "5000-rw-p-heap"]
    everything = names(MemorySelection(everything=True))
    assert not [name for name in everything if "device" in name or "kernel" in name or "----" in name]
    assert len(everything) == 8


def test_what_does_not_fit_is_cut_and_named() -> None:
    """What tells most goes first; the rest is an omission with its size."""
    selected = select_regions(parse_maps(MAPS, b"/opt/my app"), MemorySelection(), max_bytes=0x1800)
    assert [(region.start, region.size) for region in selected.regions] == [(0x7000, 0x1000), (0xA000, 0x800)]
    assert [omission.what for omission in selected.omissions] == [
        "memory:a800-r-xp-deleted", "memory:b000---xp-memfd", "memory:2000-r-xp-main",
    ]  # fmt: skip


@pytest.mark.parametrize("permission", ["rwxp", "x", "", "rw", "xwr"])
def test_what_is_no_permission(permission: str) -> None:
    """A selection with one cannot be made."""
    with pytest.raises(ValueError, match="not a permission"):
        MemorySelection(permissions=(permission,))


@given(st.binary(max_size=300))
def test_any_text_as_a_map(text: bytes) -> None:
    """Whatever a map holds, regions have a start before their end."""
    assert all(region.size > 0 for region in parse_maps(MAPS + text, None))


def test_windows_stay_inside_their_region() -> None:
    """Hits that lie near become one window, cut at the region; one across two regions is none."""
    low = Mapped(0x1000, 0x1100, "rwxp", 0, RegionClass.ANONYMOUS)
    high = Mapped(0x9000, 0x9100, "r-xp", 0, RegionClass.MAIN)
    kept = [(low, Region(PartKind.MEMORY, low.name, 0, 256)), (high, Region(PartKind.MEMORY, high.name, 256, 256))]
    hits = tuple(StringHit("$a", offset, 4) for offset in (10, 20, 254, 300))
    windows = windows_in(kept, [RuleMatch("r", "n", hits=hits, hits_total=4)], 16)
    assert [(window.name, window.offset, window.length) for window in windows] == [
        ("1000-rwxp-anonymous", 0, 40),
        ("901c-r-xp-main", 284, 36),
    ]
