from __future__ import annotations

from sampler.describe import hash_fields
from sampler.model import Field


def test_hashes_have_their_names() -> None:
    """The three hashes are fields; those that were not made are not."""
    assert hash_fields("a" * 64, "b" * 32, "c" * 40) == (
        Field("file.hash.sha256", "a" * 64),
        Field("file.hash.md5", "b" * 32),
        Field("file.hash.sha1", "c" * 40),
    )
    assert hash_fields("a" * 64) == (Field("file.hash.sha256", "a" * 64),)
