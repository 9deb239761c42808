"""Whether one more object fits into the spool. Pure: the numbers are passed in."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.limits import MIB


@dataclass(frozen=True, slots=True)
class Quota:
    """What the owner lets the spool take."""

    max_bytes: int
    """Contents and manifests that wait, together."""
    reserve_bytes: int
    """What has to stay free on the spool's file system."""

    def __post_init__(self) -> None:
        if self.max_bytes <= 0 or self.reserve_bytes < 0:
            raise ValueError(f"not a quota: {self.max_bytes} bytes, {self.reserve_bytes} kept free")


@dataclass(frozen=True, slots=True)
class Fill:
    """How full it is, in bytes."""

    used_bytes: int
    promised_bytes: int
    """Of objects that are being written at this moment."""
    free_bytes: int
    """On the file system, for an ordinary user."""


def obstacle(quota: Quota, fill: Fill, needed_bytes: int) -> str | None:
    """Why ``needed_bytes`` more do not fit, with the numbers and what to do; ``None`` when they fit."""
    taken = fill.used_bytes + fill.promised_bytes
    if taken + needed_bytes > quota.max_bytes:
        return (
            f"the spool holds {_mib(taken)} of at most {_mib(quota.max_bytes)}, {_mib(needed_bytes)} more are "
            "needed; flag the object again when the queue has taken some, or raise spool.max_bytes"
        )
    if fill.free_bytes - fill.promised_bytes - needed_bytes < quota.reserve_bytes:
        return (
            f"the spool holds {_mib(taken)}, its file system has {_mib(fill.free_bytes)} free of which "
            f"{_mib(quota.reserve_bytes)} stay free, and {_mib(needed_bytes)} are needed; make room on the disk, or "
            "lower spool.reserve_bytes"
        )
    return None


def shortage_bytes(quota: Quota, fill: Fill, needed_bytes: int) -> int:
    """How much has to become free before ``needed_bytes`` more fit; 0 when they do."""
    taken = fill.used_bytes + fill.promised_bytes + needed_bytes
    left = fill.free_bytes - fill.promised_bytes - needed_bytes
    return max(taken - quota.max_bytes, quota.reserve_bytes - left, 0)


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"
