"""The ledger's records as local peers see them. What an object is called is for who flagged it, and for root."""

from __future__ import annotations

import os

from sampler.model import Content, ObjectRecord, Peer, Verdict
from sampler.wire.messages import (
    ContentMessage,
    ObjectMatch,
    ObjectView,
    OmissionMessage,
    PartMessage,
    VerdictMessage,
)


def view_of(record: ObjectRecord, peer: Peer) -> ObjectView:
    """One record for one peer; a detail may hold the name."""
    may_name = peer.uid in {0, record.uid, os.geteuid()}
    return ObjectView(
        id=record.event_id,
        state=record.state.value,
        created=record.created,
        updated=record.updated,
        name=printable(record.path) if may_name and record.path is not None else "",
        sha256=record.sha256,
        size=record.size,
        detail=record.detail if may_name else "",
        rule=record.rule,
        matches=[ObjectMatch(rule=rule, strings=strings) for rule, strings in record.matches],
        detections=list(record.detections),
        contents=[_content(content) for content in record.contents],
        omissions=[OmissionMessage(what=omission.what, reason=omission.reason) for omission in record.omissions],
        sampling=record.sampling,
        sent_bytes=record.sent_bytes,
        verdict=_verdict(record.verdict),
    )


def printable(path: bytes) -> str:
    """A path for people: what is not UTF-8 or would move a terminal's cursor is escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _content(content: Content) -> ContentMessage:
    part = content.part
    return ContentMessage(
        sha256=content.sha256,
        size=content.size,
        part=PartMessage(kind=part.kind, name=part.name, offset=part.offset, length=part.length) if part else None,
    )


def _verdict(verdict: Verdict | None) -> VerdictMessage | None:
    if verdict is None:
        return None
    return VerdictMessage(
        conclusion=verdict.conclusion,
        score=verdict.score,
        analyzer=verdict.analyzer,
        at=verdict.at,
        family=verdict.family,
        note=verdict.note,
    )
