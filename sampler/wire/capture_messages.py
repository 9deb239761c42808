"""What a local peer asks to have captured: ``POST /v1/capture`` on the agent's socket."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from sampler.limits import MATCH_CONTEXT_MAX_BYTES, MEMORY_SELECTORS_MAX_COUNT, PROCESS_ID_MAX
from sampler.model import Sampling
from sampler.wire.messages import Id, Message, Text

Pid: TypeAlias = Annotated[int, Meta(ge=1, le=PROCESS_ID_MAX)]
Started: TypeAlias = Annotated[int, Meta(ge=0)]
Permission: TypeAlias = Annotated[str, Meta(pattern=r"^[r?-][w?-][x?-]$(?!\n)")]
Address: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{1,17}$(?!\n)", description="hexadecimal")]


class AddressRange(Message, frozen=True, kw_only=True):
    """First address, and the one behind the last."""

    start: Address
    end: Address


class MemoryTarget(Message, frozen=True, kw_only=True, tag="memory"):
    """Memory of a process. Without ``whole``, ``permissions`` and ``ranges``: where code lies that no file holds."""

    pid: Pid
    started: Started | None = None
    """Clock ticks since boot (proc(5), starttime): another process that has the number by now is not read."""
    whole: bool = False
    permissions: Annotated[tuple[Permission, ...], Meta(max_length=MEMORY_SELECTORS_MAX_COUNT)] = ()
    ranges: Annotated[tuple[AddressRange, ...], Meta(max_length=MEMORY_SELECTORS_MAX_COUNT)] = ()
    match_window_bytes: Annotated[int, Meta(ge=0, le=MATCH_CONTEXT_MAX_BYTES)] | None = None
    """Send only so much around each hit of a rule."""


class BootTarget(Message, frozen=True, kw_only=True, tag="boot"):
    """Boot records and partition tables of a disk, or of an image of one."""

    path: Annotated[str, Meta(max_length=4096)] | None = None
    path_hex: Annotated[str, Meta(max_length=8192, pattern=r"^([0-9a-f]{2})*$(?!\n)")] | None = None
    """In place of ``path``, for one that is not UTF-8."""


class ActivityTarget(Message, frozen=True, kw_only=True, tag="activity"):
    """What a process is and does."""

    pid: Pid
    started: Started | None = None
    """As for memory."""


class CaptureRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/capture``, and ``POST /v1/capture/preview``, which sends and keeps nothing."""

    target: MemoryTarget | BootTarget | ActivityTarget
    id: Id | None = None
    """The caller's own identifier, so that a repeated request changes nothing."""
    reason: str = "analyst"
    detections: Annotated[tuple[Text, ...], Meta(max_length=64)] = ()
    wants: Sampling | None = None
    """``parts``: each region or record on its own, unless ``whole`` is asked for: one content."""
