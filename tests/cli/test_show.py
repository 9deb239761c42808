from __future__ import annotations

from sampler.cli.show import content_text
from sampler.model import PartKind
from sampler.wire.messages import ContentMessage, CoveredMessage, PartMessage


def content(count: int) -> ContentMessage:
    covers = [CoveredMessage(kind=PartKind.RESOURCE, name=f"r{index}", offset=0, length=1) for index in range(count)]
    part = PartMessage(kind=PartKind.SECTION, name=".rsrc", offset=4, length=8, covers=covers)
    return ContentMessage(sha256="0" * 64, size=8, part=part)


def test_a_part_names_what_lies_inside_it() -> None:
    """The first few by name, the others counted, nothing where there is nothing."""
    assert content_text(content(0)) == "section:.rsrc at 4, 8 bytes"
    assert content_text(content(1)) == "section:.rsrc at 4, 8 bytes, with resource:r0"
    assert content_text(content(6)).endswith(", with resource:r0, resource:r1, resource:r2, resource:r3 and 2 more")
