"""The key that a queue signs with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sampler.errors import IdentityError
from sampler.server.keys import KEY_FILE, receipt_key


def test_made_once_and_then_kept(tmp_path: Path) -> None:
    """The first call makes a key that nobody else can read, every later one finds the same."""
    made = receipt_key(tmp_path / "q")
    assert stat.S_IMODE((tmp_path / "q" / KEY_FILE).stat().st_mode) == 0o600
    assert receipt_key(tmp_path / "q").public == made.public
    assert made.public.has_signed("sampler recall", b"x", receipt_key(tmp_path / "q").sign("sampler recall", b"x"))


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """It is refused by name, and no other one is made in its place."""
    receipt_key(tmp_path)
    before = (tmp_path / KEY_FILE).read_bytes()
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(IdentityError, match=KEY_FILE):
        receipt_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == before
