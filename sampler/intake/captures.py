"""Every check of what a peer asks to have captured. Pure, but for one look at who owns a process.

Whether the peer may read the process or the disk is not decided here: the kernel is asked when it is opened.
"""

from __future__ import annotations

from datetime import datetime

from sampler.intake.problems import bad_value
from sampler.intake.requests import check_process, decode_request, path_in, reason_in
from sampler.model import (
    ActivitySource,
    BootSource,
    Candidate,
    MemorySelection,
    Peer,
    ProcessMemorySource,
    Sampling,
)
from sampler.wire.capture_messages import ActivityTarget, BootTarget, CaptureRequest, MemoryTarget


def read_capture(data: bytes, peer: Peer, *, event_id: str, received: datetime) -> Candidate:
    """What is to be captured, from its JSON; ``event_id`` is used when the peer gave none.

    Raises:
        Rejected: 400, it is not JSON; 422, it has an unknown key or a value that cannot be.
    """
    message = decode_request(data, CaptureRequest)
    source = _source(message.target)
    pid = None if isinstance(source, BootSource) else check_process(source.pid, peer, "$.target.pid")
    return Candidate(
        event_id=message.id or event_id,
        received=received,
        reason=reason_in(message.reason),
        peer=peer,
        source=source,
        detections=tuple(message.detections),
        pid=pid,
        wants=Sampling.WHOLE if isinstance(source, ActivitySource) else message.wants,
    )


def _source(target: MemoryTarget | BootTarget | ActivityTarget) -> ProcessMemorySource | BootSource | ActivitySource:
    match target:
        case MemoryTarget():
            return ProcessMemorySource(target.pid, target.started, _selection(target))
        case ActivityTarget():
            return ActivitySource(target.pid, target.started)
        case BootTarget():
            path = path_in(target.path, target.path_hex, "$.target")
            if path is None:
                raise bad_value("$.target.path", "give `path` or `path_hex`")
            return BootSource(path)


def _selection(target: MemoryTarget) -> MemorySelection:
    try:
        return MemorySelection(
            everything=target.whole,
            permissions=tuple(target.permissions),
            ranges=tuple((int(each.start, 16), int(each.end, 16)) for each in target.ranges),
            match_window_bytes=target.match_window_bytes,
        )
    except ValueError as error:
        raise bad_value("$.target", str(error)) from error
