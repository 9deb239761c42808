"""Archives, images and installers, examined by real children: what a reader does there must be allowed there."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import py7zr
import pyzipper

from sampler.examine import Examiner, ExamineSettings
from sampler.model import Snapshot
from sampler.runtime.places import shipped
from sampler.scan import RuleSettings

Snap = Callable[..., Snapshot]
FAMILIES = ("zip", "rar", "tar", "gzip", "bzip2", "xz", "zstd", "seven", "disk", "pe/nsis-solid")


async def test_archives_are_read_and_their_parts_made_in_children(rules: Path, snap: Snap) -> None:
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
    assert made >= 20


async def test_passwords_are_tried_in_children(rules: Path, snap: Snap) -> None:
    """AES comes from a library: its code runs where nothing can be loaded and few calls are allowed."""
    zipped, sevened = io.BytesIO(), io.BytesIO()
    with pyzipper.AESZipFile(zipped, "w", encryption=pyzipper.WZ_AES) as writer:
        writer.setpassword(b"infected")
        writer.writestr("a.txt", b"a harmless line\n")
    with py7zr.SevenZipFile(sevened, "w", password="malware", header_encryption=True) as writer:
        writer.writestr(b"a harmless line\n", "a.txt")
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        for content, recipe in ((zipped, "zip:0:infected"), (sevened, "7z:0:malware")):
            whole = snap(content.getvalue())
            found = await examiner.examine(whole)
            assert (recipe,) in {region.recipe for region in found.regions}
            assert len(await examiner.derive(whole, (recipe,), 16)) == 16
