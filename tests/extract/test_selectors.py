from __future__ import annotations

import pytest

from sampler.extract import is_selector
from sampler.extract.selectors import DEFAULT_SELECTORS, selected
from sampler.model import ContentKind, PartKind, Region


@pytest.mark.parametrize(
    "selector",
    ["header", "section", "section:.text", "segment", "entry_point", "resource", "resource:RT_ICON", "certificate",
     "overlay", "tail", "matches", "programs", *DEFAULT_SELECTORS],
)  # fmt: skip
def test_knows_every_selector_of_the_rules(selector: str) -> None:
    """Whatever the metadata of a rule may name is a selector."""
    assert is_selector(selector)


@pytest.mark.parametrize("selector", ["", "match", "sections", "section:", "matches:x", ":.text", "HEADER"])
def test_refuses_what_is_none(selector: str) -> None:
    """Misspelt kinds, empty names and the kind of match windows themselves are no selectors."""
    assert not is_selector(selector)


def test_names_are_compared_whole() -> None:
    """A section's name is not a prefix, and a resource type is not part of another one's name."""
    regions = [
        Region(PartKind.SECTION, ".text", 0, 1),
        Region(PartKind.SECTION, ".textbss", 1, 1),
        Region(PartKind.RESOURCE, "RT_ICON/1/0", 2, 1),
        Region(PartKind.RESOURCE, "RT_ICON/11/0", 3, 1),
    ]
    assert selected("section:.text", regions) == regions[:1]
    assert selected("resource:ICON", regions) == regions[2:]
    assert selected("resource:RT_ICON/1", regions) == regions[2:3]
    assert selected("resource:GROUP_ICON", regions) == []


def test_programs_are_told_by_their_content() -> None:
    """Of all that lies inside, files that are programs or scripts; neither other files nor stretches of a program."""
    regions = [
        Region(PartKind.MEMBER, "a.txt", 0, 1, ("zip:0",), ContentKind.EXECUTABLE),
        Region(PartKind.MACRO, "Module1", 0, 1, ("vba:1+0",), ContentKind.SCRIPT),
        Region(PartKind.ATTACHMENT, "b", 4, 1, content=ContentKind.LIBRARY),
        Region(PartKind.MEMBER, "b.exe", 0, 1, ("zip:1",), ContentKind.DOCUMENT),
        Region(PartKind.MEMBER, "c.exe", 0, 1, ("zip:2",)),
        Region(PartKind.OVERLAY, "a.txt", 0, 1, ("zip:0", "range:5+1"), ContentKind.EXECUTABLE),
    ]
    assert selected("programs", regions) == regions[:3]
