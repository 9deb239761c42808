"""Documents read where nothing can be loaded any more, as in a sandboxed child."""

from __future__ import annotations

import subprocess
import sys

from sampler.runtime.places import shipped

PROGRAM = """
import sys
from pathlib import Path
from sampler.extract import derive, find_regions
from sampler.extract.formats import FORMATS
from sampler.model import ContentKind
contents = [Path(name).read_bytes() for name in sys.argv[1:]]
for known in FORMATS:
    find_regions(known.warm, ContentKind.OTHER, "x/y")
loaded = set(sys.modules)
sys.meta_path.clear()
for content in contents:
    found = find_regions(content, ContentKind.DOCUMENT, "x/y")
    assert all(len(derive(content, region.recipe)) == region.length for region in found.regions if region.recipe)
    sys.stdout.write(repr(found) + "\\n")
assert set(sys.modules) == loaded, set(sys.modules) - loaded
"""
FAMILIES = ("ole", "ooxml", "rtf", "lnk", "pdf", "mail", "script")


def test_documents_load_nothing_while_they_are_read() -> None:
    """Every sample of a document is read and its derived bytes are made without one import."""
    folders = [shipped("samples_fixture") / family for family in FAMILIES]
    paths = [
        path for folder in folders for path in sorted(folder.rglob("*.*")) if path.is_file() and path.suffix != ".json"
    ]
    assert len(paths) >= 12
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], check=True, capture_output=True, timeout=60)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(paths)
    assert any("PartKind.MACRO" in line for line in lines)
    assert any("PartKind.ATTACHMENT" in line for line in lines)
