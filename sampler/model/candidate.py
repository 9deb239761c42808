"""What a peer asks to have looked at, and who the peer is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from sampler.model.states import ObjectState, Sampling


class Reason(StrEnum):
    """Why an object was flagged (``event.reason``)."""

    DETECTION = "detection"
    """An on-host scanner found it suspicious."""
    ANALYST = "analyst"
    """A person submits it."""
    POLICY = "policy"
    """A scheduled or configured collection."""
    TRUSTED = "trusted"
    """A trusted file, to prevent false positives."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The local process that asks, as the kernel names it (unix(7), SO_PEERCRED and SO_PEERGROUPS)."""

    uid: int
    gid: int
    pid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PathSource:
    """A file to be opened with the peer's rights; ``path`` is absolute, bytes as the file system keeps them."""

    path: bytes

    def __post_init__(self) -> None:
        if not self.path.startswith(b"/") or b"\0" in self.path:
            raise ValueError(f"not an absolute path: {self.path!r}")


@dataclass(frozen=True, slots=True)
class DescriptorSource:
    """A descriptor that the peer opened and passed, or an unnamed file holding bytes that it sent.

    ``path`` is what the peer says the object is called; it is never opened. Whoever takes the snapshot closes the
    descriptor.
    """

    descriptor: int
    path: bytes | None = None
    is_file: bool = True
    """False for bytes that were sent: owner and times of the unnamed file that holds them are the agent's own."""


Source: TypeAlias = PathSource | DescriptorSource


@dataclass(frozen=True, slots=True)
class Candidate:
    """One request to look at one object."""

    event_id: str
    """UUID (RFC 9562), lower case; given by the peer for safe repetition, or made by the agent."""
    received: datetime
    """UTC."""
    reason: Reason
    peer: Peer
    source: Source
    detections: tuple[str, ...] = ()
    """Names that the scanner gave to what it found."""
    pid: int | None = None
    """The process concerned."""
    origin_url: str | None = None
    wants: Sampling | None = None
    """How much the peer asks for; ``None`` leaves it to the rules."""

    @property
    def path(self) -> bytes | None:
        """What the object is called, if anything."""
        return self.source.path


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that could not be taken: the final state it ends in and why, in words for the one who asked."""

    state: ObjectState
    code: str
    """Stable and short: ``not-a-regular-file``, ``absent``, ``permission`` …"""
    detail: str

    def __post_init__(self) -> None:
        if not self.state.is_final:
            raise ValueError(f"a failure ends an object, {self.state} does not")
