"""The room that is held back for a full disk."""

from __future__ import annotations

from pathlib import Path

from sampler.spool.ballast import Ballast


def test_takes_and_gives(tmp_path: Path) -> None:
    """The room is really taken, given back once, and taken again."""
    ballast = Ballast(tmp_path / "ballast")
    ballast.take()
    ballast.take()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 256 * 1024
    assert ballast.release()
    assert not ballast.release()
    ballast.take()
    assert (tmp_path / "ballast").exists()


def test_no_room(tmp_path: Path) -> None:
    """Where it cannot be taken there is none, and nothing is left of the attempt."""
    ballast = Ballast(tmp_path / "absent" / "ballast")
    ballast.take()
    assert not ballast.release()
