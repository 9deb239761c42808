from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sampler.cli import history_target
from sampler.cli.history_target import printable_name, target_of
from sampler.errors import RequestError

ID = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"


async def test_identifiers_and_hashes_are_taken_as_they_are(tmp_path: Path) -> None:
    """Neither a file nor an agent is looked for."""
    nobody = tmp_path / "none.sock"
    assert (await target_of(ID, nobody)).ids == {ID}
    assert (await target_of("AB" * 32, nobody)).sha256 == "ab" * 32


async def test_a_file_without_an_agent_is_known_by_its_bytes(tmp_path: Path) -> None:
    """The notes say that its name could not be asked for."""
    file = tmp_path / "x"
    file.write_bytes(b"bytes")
    target = await target_of(str(file), tmp_path / "none.sock")
    assert (target.ids, target.sha256) == (frozenset(), hashlib.sha256(b"bytes").hexdigest())
    assert "no agent answers" in target.notes[1]


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, os.mkfifo], ids=["absent", "folder", "fifo"])
async def test_nothing_to_go_by(tmp_path: Path, make: object) -> None:
    """Neither bytes nor an agent: it is said what to name instead, and nothing waits for a FIFO."""
    assert callable(make)
    make(tmp_path / "x")
    with pytest.raises(RequestError, match="name the object's ID or SHA-256"):
        await target_of(str(tmp_path / "x"), tmp_path / "none.sock")


async def test_a_file_beyond_the_ceiling_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger file than any that is taken cannot have been sent."""
    monkeypatch.setattr(history_target, "OBJECT_MAX_BYTES", 4)
    (tmp_path / "x").write_bytes(b"12345")
    with pytest.raises(RequestError, match="more than 4 bytes"):
        await target_of(str(tmp_path / "x"), tmp_path / "none.sock")


def test_names_are_compared_as_the_agent_shows_them() -> None:
    """Bytes that are no text, and what would steer a terminal, are escaped alike."""
    assert printable_name(os.fsdecode(b"/x/\xff\n")) == "/x/\\xff\\n"
