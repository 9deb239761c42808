"""The key that a host believes its queue by."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import IdentityError
from sampler.identity import SigningKey


def test_what_was_pinned_is_believed(tmp_path: Path) -> None:
    """None at first; then the one that was pinned, kept as the host's other identity files are."""
    pin = PinnedKey(tmp_path / "receipt.pub")
    assert pin.load() is None
    key = SigningKey.create(tmp_path / "key").public
    pin.pin(key)
    assert pin.load() == key
    assert stat.S_IMODE(pin.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("data", [b"", b"no key\n", b"\xff" * 44, b"A" * 10_000])
def test_what_is_no_key_is_not_replaced(tmp_path: Path, data: bytes) -> None:
    """A damaged pin is an error to look at, never a reason to believe the next key that comes along."""
    pin = PinnedKey(tmp_path / "receipt.pub")
    pin.path.write_bytes(data)
    with pytest.raises(IdentityError):
        pin.load()
    assert pin.path.read_bytes() == data


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "file").touch()
    pin = PinnedKey(tmp_path / "file" / "receipt.pub")
    with pytest.raises(IdentityError, match=r"receipt\.pub"):
        pin.load()
    with pytest.raises(IdentityError, match=r"receipt\.pub"):
        pin.pin(SigningKey.create(tmp_path / "key").public)
