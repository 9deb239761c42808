"""What a peer asks to have looked at, and who the peer is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from sampler.limits import ADDRESS_MAX, MATCH_CONTEXT_MAX_BYTES
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


class Subject(StrEnum):
    """What an object's bytes were taken from; each but the first has a scope of its own."""

    FILE = "file"
    MEMORY = "memory"
    """Stretches of a process's memory, one behind the other."""
    BOOT = "boot"
    """Boot records and partition tables of a disk, one behind the other."""
    ACTIVITY = "activity"
    """A report on a process that the agent itself wrote."""


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


@dataclass(frozen=True, slots=True)
class MemorySelection:
    """Which regions of a process's memory are taken; those that any of the criteria means."""

    everything: bool = False
    permissions: tuple[str, ...] = ()
    """``rwx``, ``r-x`` …, as /proc/PID/maps writes them; ``?`` is either."""
    ranges: tuple[tuple[int, int], ...] = ()
    """First address and the one behind the last; regions are cut to these."""
    match_window_bytes: int | None = None
    """Of what is taken, send only so much around each hit of a rule; ``None``: all of it."""

    def __post_init__(self) -> None:
        for permission in self.permissions:
            if not re.fullmatch(r"[r?-][w?-][x?-]", permission):
                raise ValueError(f"not a permission: {permission[:16]!r}; write rwx, r-x, ??x")
        for start, end in self.ranges:
            if not 0 <= start < end <= ADDRESS_MAX:
                raise ValueError(f"not a range of addresses: {start:#x}-{end:#x}")
        if self.match_window_bytes is not None and not 0 <= self.match_window_bytes <= MATCH_CONTEXT_MAX_BYTES:
            raise ValueError(f"a window has at most {MATCH_CONTEXT_MAX_BYTES} bytes, not {self.match_window_bytes}")


@dataclass(frozen=True, slots=True)
class ProcessMemorySource:
    """The memory of a process, read while it runs."""

    pid: int
    started: int | None = None
    """Clock ticks since boot, where the peer saw the process before: another one with its number is not read."""
    selection: MemorySelection = MemorySelection()

    @property
    def path(self) -> bytes:
        """What the object is called."""
        return b"/proc/%d/mem" % self.pid


@dataclass(frozen=True, slots=True)
class BootSource:
    """The boot records and partition tables of a disk or of an image of one; ``path`` is absolute."""

    path: bytes

    def __post_init__(self) -> None:
        if not self.path.startswith(b"/") or b"\0" in self.path:
            raise ValueError(f"not an absolute path: {self.path!r}")


@dataclass(frozen=True, slots=True)
class ActivitySource:
    """What a process is and does."""

    pid: int
    started: int | None = None
    """As for ``ProcessMemorySource``."""

    @property
    def path(self) -> bytes:
        """What the object is called."""
        return b"/proc/%d" % self.pid


@dataclass(frozen=True, slots=True)
class KeptSource:
    """An object that was taken before, and kept; nothing of it is read anew."""

    path: bytes | None = None


FileSource: TypeAlias = PathSource | DescriptorSource
Source: TypeAlias = FileSource | ProcessMemorySource | BootSource | ActivitySource | KeptSource
_SUBJECTS: Final[dict[type, Subject]] = {
    ProcessMemorySource: Subject.MEMORY,
    BootSource: Subject.BOOT,
    ActivitySource: Subject.ACTIVITY,
}


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
    answers: str | None = None
    """The queue's ask for more of the object that this answers."""
    follows: str | None = None
    """The submission about the same object that this one adds to."""

    @property
    def path(self) -> bytes | None:
        """What the object is called, if anything."""
        return self.source.path

    @property
    def subject(self) -> Subject:
        """What its bytes are taken from."""
        return _SUBJECTS.get(type(self.source), Subject.FILE)


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
