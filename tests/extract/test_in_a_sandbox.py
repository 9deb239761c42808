from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Build = Callable[..., bytes]

PROGRAM = """
import sys
from pathlib import Path
from sampler.extract import find_regions
from sampler.model import ContentKind
contents = [Path(name).read_bytes() for name in sys.argv[1:]]
sys.meta_path.clear()
for content in contents:
    sys.stdout.write(repr(find_regions(content, ContentKind.EXECUTABLE, "x/y")) + "\\n")
"""


@pytest.fixture
def hostile(pe: Build, elf: Build, resources: Build, version: Build) -> dict[str, bytes]:
    """Files whose names need every codec there is."""
    tree = {"name\x1b": {1: {0: b"x"}}, 16: {1: {0: version({"CompanyName": "Example\x1b"})}}}
    section = resources(tree, 0x1000)
    return {
        "hostile.exe": pe(sections=[(b"\x1b\xff", section)], directories={1: (0x1000, 40), 2: (0x1000, len(section))}),
        "hostile.elf": elf(sections=[("\x1b", 1, b"x")]),
        "unknown": b"MZ and nothing",
    }


def test_nothing_is_imported_while_reading(launchers: list[Path], hostile: dict[str, bytes], tmp_path: Path) -> None:
    """Everything a reader needs is loaded with this room: a child in its sandbox can load nothing any more."""
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
    paths = [*launchers, *(tmp_path / name for name in hostile)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], check=True, capture_output=True, timeout=60)
    assert len(done.stdout.splitlines()) == len(paths)
    assert rb"name\\x1b/1/0" in done.stdout
    assert rb"Example\\x1b" in done.stdout
