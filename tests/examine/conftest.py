"""Snapshots and rules for examinations."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sampler.model import FileStat, Snapshot

RULES = """
rule needle : found { meta: sampling = "parts" strings: $n = "needle" condition: $n }
rule program { condition: uint16(0) == 0x5A4D and filetype == "EXE" }
rule named { condition: filename == "sample.exe" and filepath == "/tmp/x/sample.exe" and extension == ".exe" }
rule owned { condition: owner == "person" }
rule nothing { condition: filesize == 0 }
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with rules that show what they saw."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "tests.yar").write_text(RULES)
    return folder


@pytest.fixture
def snap() -> Iterator[Callable[..., Snapshot]]:
    """A snapshot of bytes."""
    opened: list[int] = []

    def take(content: bytes, path: bytes | None = None) -> Snapshot:
        descriptor = os.memfd_create("snapshot")
        opened.append(descriptor)
        os.write(descriptor, content)
        stat = FileStat(0o600, 0, 0, len(content), 0, 0, 0, 0, 0)
        return Snapshot(descriptor, len(content), hashlib.sha256(content).hexdigest(), stat, path)

    yield take
    for descriptor in opened:
        os.close(descriptor)
