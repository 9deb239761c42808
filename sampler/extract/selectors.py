"""What a rule's ``parts`` metadata may name, and which regions each selector means. Pure.

A selector is a kind (``section``), or a kind and a name (``section:.text``). ``resource:RT_RCDATA`` and
``resource:RCDATA`` mean all resources of that type, ``resource:RT_RCDATA/1/1033`` one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sampler.model import ContentKind, PartKind, Region

MATCHES: Final = "matches"
PROGRAMS: Final = "programs"
"""Whatever lies inside and is a program or a script by its own content."""
DEFAULT_SELECTORS: Final = ("header", "entry_point", "overlay", MATCHES)
"""What is taken of an object whose parts are asked for without saying which."""

SELECTABLE: Final = frozenset(PartKind) - {PartKind.MATCH}
_FILES: Final = frozenset({
    PartKind.ATTACHMENT, PartKind.BLOB, PartKind.MACRO, PartKind.MEMBER, PartKind.OBJECT, PartKind.SCRIPT,
})  # fmt: skip
_PROGRAM_KINDS: Final = frozenset({
    ContentKind.DRIVER, ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.SCRIPT,
})  # fmt: skip


def is_selector(selector: str) -> bool:
    """Whether it is a selector at all: ``matches``, ``programs``, a kind, or a kind with a name."""
    kind, colon, name = selector.partition(":")
    return selector in (MATCHES, PROGRAMS) or (kind in SELECTABLE and bool(name) == bool(colon))


def selected(selector: str, regions: Iterable[Region]) -> list[Region]:
    """The regions that a selector means, in their own order."""
    if selector == PROGRAMS:
        return [region for region in regions if region.kind in _FILES and region.content in _PROGRAM_KINDS]
    kind, _, name = selector.partition(":")
    return [region for region in regions if region.kind == kind and (not name or _is_called(region, name))]


def _is_called(region: Region, name: str) -> bool:
    if region.kind is not PartKind.RESOURCE:
        return region.name == name
    wanted, parts = name.split("/"), region.name.split("/")[: name.count("/") + 1]
    return parts == wanted or parts == [f"RT_{wanted[0]}", *wanted[1:]]
