"""What is hostile about the names of members. They are only shown; nothing here ever opens one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from sampler.extract.compressed_streams import Fault

NAMED_MAX_COUNT: Final = 8
"""Names of one kind of fault that are shown one by one."""
_OUTSIDE: Final = re.compile(rb"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:")
"""A name that leads out of the folder that the archive would be unpacked into."""


def name_faults(names: Iterable[tuple[str, bytes]]) -> Iterator[Fault]:
    """Names that lead out, that end earlier for some readers, or that several members have.

    Args:
        names: of each member, fit to be shown, and as it stands in the archive.
    """
    members = list(names)
    outside = [shown for shown, raw in members if _OUTSIDE.search(raw)]
    yield from _few("name-outside", outside, "leads out of the archive's folder")
    yield from _few("name-with-nul", [shown for shown, raw in members if b"\0" in raw], "ends earlier for some readers")
    counts = Counter(raw for _, raw in members)
    twice = {raw: shown for shown, raw in members if counts[raw] > 1}
    yield from _few("name-twice", list(twice.values()), "is the name of several members")


def _few(code: str, names: list[str], what: str) -> Iterator[Fault]:
    for name in names[:NAMED_MAX_COUNT]:
        yield Fault(code, f"{name!r} {what}")
    if len(names) > NAMED_MAX_COUNT:
        yield Fault(code, f"{len(names) - NAMED_MAX_COUNT} further ones")
