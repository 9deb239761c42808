"""The bytes of parts: stretches of a snapshot and what children derived from it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sampler.agent.derived import derived_parts
from sampler.examine import Examiner, ExamineSettings
from sampler.model import Content, Omission, Part, PartKind, Region, Snapshot
from sampler.scan import RuleSettings
from sampler.snapshot import SnapshotTaker, release

WHOLE = b"0123456789" * 100


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with one rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "one.yar").write_text("rule one { condition: false }")
    return folder


async def test_parts_are_read_from_where_they_are(rules: Path, tmp_path: Path) -> None:
    """Stretches come from the snapshot, derived bytes from their copy; what cannot be derived is left out by name."""
    taker = SnapshotTaker(tmp_path)
    whole: Snapshot = taker.keep(WHOLE)
    recipes: dict[tuple[str, ...], int] = {("range:10+5",): 5, ("zip-of-nothing:1",): 7}
    stretch = Region(PartKind.SECTION, ".text", 20, 4)
    member = Region(PartKind.MEMBER, "a", 0, 5, ("range:10+5",))
    lost = Region(PartKind.MEMBER, "b", 0, 7, ("zip-of-nothing:1",))
    async with (
        Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner,
        derived_parts(examiner, taker, whole, recipes) as parts,
    ):
        sha256 = parts.hash_of(stretch)
        assert sha256 == hashlib.sha256(b"0123").hexdigest()
        assert parts.hash_of(member) == hashlib.sha256(b"01234").hexdigest()
        assert parts.hash_of(lost) == Omission(
            "member:b", "it could not be derived again: there is no step 'zip-of-nothing'"
        )
        part = Part(PartKind.MEMBER, "a", 0, 5, "", ("range:10+5",))
        assert b"".join(parts.read(Content("", 5, 0, part))) == b"01234"
        assert b"".join(parts.read(Content("", 4, 20, Part(PartKind.SECTION, ".text", 20, 4, "")))) == b"0123"
        assert b"".join(parts.read(Content("", 1000, 0))) == WHOLE
    copy = parts.derived["range:10+5",]
    assert isinstance(copy, Snapshot)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(copy.descriptor)
    release(whole)
