"""Parcel → manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sampler.errors import DeliveryError
from sampler.model import Field, Omission, parcel
from sampler.upload import manifest_of
from sampler.wire.codec import encode


def _changed(made: Any, **values: Any) -> Any:
    return replace(made, seal=parcel._SEAL, **values)


def test_all_of_a_parcel_and_nothing_else(make_parcel: Any) -> None:
    """Everything that may leave is in the manifest; the owner's reasons are not."""
    made = _changed(make_parcel(b"abcdef", [(0, 2)]), omissions=(Omission("whole", "switch: never"),))
    manifest = manifest_of(made)
    assert (manifest.id, manifest.created, manifest.object.sha256, manifest.object.size) == (
        made.event_id, made.created, made.sha256, 6
    )  # fmt: skip
    assert manifest.fields == {"file.size": 6, "rule.names": ["a", "b"]}
    assert manifest.matches == [{"rule.name": "a"}]
    (content,) = manifest.contents
    assert content.part is not None
    assert (content.sha256, content.size, content.part.offset, content.part.length) == (
        made.contents[0].sha256,
        2,
        0,
        2,
    )
    assert [(omission.what, omission.reason) for omission in manifest.omissions] == [("whole", "switch: never")]
    assert b"statement basic" not in encode(manifest)


@pytest.mark.parametrize(
    "fields",
    [
        (Field("Upper.case", "x"),),
        (Field("a", "x" * 9000),),
        (Field("a", "\ud800"),),
        tuple(Field(f"a{number}", 1) for number in range(2000)),
        tuple(Field(f"a{number}", "x" * 8000) for number in range(600)),
    ],
    ids=["name", "value", "surrogate", "count", "total"],
)
def test_what_cannot_be_said(make_parcel: Any, fields: tuple[Field, ...]) -> None:
    """A parcel that the wire has no words for is found before it is spooled."""
    with pytest.raises(DeliveryError, match="manifest"):
        manifest_of(_changed(make_parcel(b"x"), fields=fields))
