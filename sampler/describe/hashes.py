"""An object's hashes as fields (ECS ``file.hash.*``)."""

from __future__ import annotations

from sampler.model import Field


def hash_fields(sha256: str, md5: str | None = None, sha1: str | None = None) -> tuple[Field, ...]:
    """The hashes that are known, lower-case hexadecimal."""
    hashes = (("sha256", sha256), ("md5", md5), ("sha1", sha1))
    return tuple(Field(f"file.hash.{name}", value) for name, value in hashes if value)
