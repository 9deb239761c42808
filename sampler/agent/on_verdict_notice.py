"""What the command about verdicts is told: as JSON, and as variables of its environment. Pure."""

from __future__ import annotations

import os

from sampler.agent.views import printable, verdict_message
from sampler.model import KnownFrom, ObjectRecord, Verdict, VerdictCall
from sampler.wire.codec import decode
from sampler.wire.verdict_messages import VerdictNotice


def notice_of(record: ObjectRecord, verdict: Verdict, source: KnownFrom) -> VerdictNotice:
    """What the command is told."""
    assert record.sha256 is not None  # an object without bytes has no verdict
    path = record.path
    return VerdictNotice(
        id=record.event_id,
        flagged=record.created,
        reason=record.reason,
        uid=record.uid,
        sha256=record.sha256,
        size=record.size or 0,
        path=None if path is None else printable(path),
        path_hex=None if path is None else path.hex(),
        detections=record.detections,
        rules=tuple(rule for rule, _ in record.matches),
        verdict=verdict_message(verdict),
        source=source,
    )


def environment_of(call: VerdictCall) -> dict[str, str]:
    """The same as variables, for commands that read no JSON; names of files as they are, whatever bytes they hold."""
    notice = decode(call.document, VerdictNotice)
    said = {
        "EVENT_ID": notice.id,
        "SHA256": notice.sha256,
        "SIZE": str(notice.size),
        "PATH": os.fsdecode(bytes.fromhex(notice.path_hex or "")),
        "CONCLUSION": notice.verdict.conclusion.value,
        "SCORE": str(notice.verdict.score),
        "ANALYZER": notice.verdict.analyzer,
        "FAMILY": notice.verdict.family or "",
        "SOURCE": notice.source.value,
        "ATTEMPT": str(call.attempts + 1),
    }
    return {f"SAMPLER_{name}": value.replace("\0", " ") for name, value in said.items()}
