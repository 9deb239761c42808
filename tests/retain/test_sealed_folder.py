"""Snapshots at rest: under which key, for which object, and those of before keys had numbers."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampler.errors import SealError, SealKeyMissing
from sampler.retain.sealed_folder import SealedFolder
from sampler.runtime.key_ring import KeyRing

ONE, OTHER = (str(uuid.UUID(int=number)) for number in (1, 2))
FIRST_KEY, SALT = bytes(range(32)), bytes(32)


def older_file(about: bytes, content: bytes) -> bytes:
    """A snapshot as it was written before: one chunk, no number of a key, for no object in particular."""
    secret = HKDF(SHA256(), 32, SALT, b"sampler sealed file 1").derive(FIRST_KEY)
    plain = len(about).to_bytes(8, "big") + about + content
    return b"SMPSEAL1" + SALT + AESGCM(secret).encrypt(bytes(11) + b"\x01", plain, None)


def read(folder: SealedFolder, event_id: str) -> bytes:
    with folder.opened(event_id) as kept:
        assert kept is not None
        return kept.about + b"|" + b"".join(kept.read())


def test_a_snapshot_from_before(tmp_path: Path, keys: KeyRing) -> None:
    """What an older agent kept is read with its key, and what is kept now lies beside it under a new one."""
    (tmp_path / "first").write_bytes(FIRST_KEY)
    folder = SealedFolder(tmp_path / "held", KeyRing(tmp_path / "keys", first=tmp_path / "first"))
    (folder.path / f"{ONE}.sealed").write_bytes(older_file(b"about", b"old bytes"))
    folder.write(OTHER, b"about", [b"new bytes"])
    assert (read(folder, ONE), read(folder, OTHER)) == (b"about|old bytes", b"about|new bytes")
    (tmp_path / "first").unlink()
    with pytest.raises(SealKeyMissing):
        read(SealedFolder(folder.path, KeyRing(tmp_path / "keys", first=tmp_path / "first")), ONE)


def test_one_snapshot_cannot_stand_for_another(tmp_path: Path, keys: KeyRing) -> None:
    """What a person approves is what was held under that name, not what somebody put there."""
    folder = SealedFolder(tmp_path / "held", keys)
    folder.write(ONE, b"about", [b"approved"])
    folder.write(OTHER, b"about", [b"never shown"])
    (folder.path / f"{OTHER}.sealed").rename(folder.path / f"{ONE}.sealed")
    with pytest.raises(SealError):
        read(folder, ONE)
