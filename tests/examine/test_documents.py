"""Documents of every format, examined by real children: what a reader does there must be allowed there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sampler.examine import Examiner, ExamineSettings
from sampler.model import Snapshot
from sampler.runtime.places import shipped
from sampler.scan import RuleSettings

Snap = Callable[..., Snapshot]
FAMILIES = ("ole", "ooxml", "rtf", "lnk", "mail/outlook")


async def test_documents_are_read_and_their_parts_made_in_children(rules: Path, snap: Snap) -> None:
    """No sample makes a child die, the fields are those that a parent takes, and each recipe makes its bytes."""
    folders = [shipped("samples_fixture") / family for family in FAMILIES]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.*")) if path.suffix != ".json"]
    made = 0
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        for path in (path for path in paths if path.is_file()):
            whole = snap(path.read_bytes())
            found = await examiner.examine(whole)
            assert "extract-failed" not in {problem.code for problem in found.problems}
            for region in found.regions:
                if region.recipe:
                    assert len(await examiner.derive(whole, region.recipe, region.length)) == region.length
                    made += 1
    assert made >= 30
