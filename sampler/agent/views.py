"""The ledger's records as local peers see them. What an object is called is for who flagged it, and for root."""

from __future__ import annotations

import os
import pwd

from sampler.limits import SCAN_HITS_PER_RULE_MAX_COUNT
from sampler.model import (
    Content,
    Examination,
    KnownVerdict,
    LookUpRefusal,
    ObjectRecord,
    Part,
    Peer,
    RuleMatch,
    Verdict,
)
from sampler.wire.agent_messages import ObjectMatch, ObjectView
from sampler.wire.local_messages import ScanHit, ScanMatch, ScanProblem, ScanView
from sampler.wire.messages import ContentMessage, CoveredMessage, OmissionMessage, PartMessage, VerdictMessage
from sampler.wire.verdict_messages import LookUpView


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
        follows=record.follows,
        matches=[ObjectMatch(rule=rule, strings=strings) for rule, strings in record.matches],
        detections=list(record.detections),
        contents=[content_of(content) for content in record.contents],
        omissions=[OmissionMessage(what=omission.what, reason=omission.reason) for omission in record.omissions],
        sampling=record.sampling,
        sent_bytes=record.sent_bytes,
        verdict=None if record.verdict is None else verdict_message(record.verdict),
    )


def scan_view_of(size: int, examination: Examination) -> ScanView:
    """What a scan found, for the one who asked for it."""
    return ScanView(
        sha256=examination.sha256,
        size=size,
        mime_type=examination.mime_type,
        ruleset_version=examination.ruleset_version,
        matches=tuple(_match(match) for match in examination.matches),
        problems=tuple(
            ScanProblem(stage=problem.stage, code=problem.code, detail=problem.detail)
            for problem in examination.problems
        ),
    )


def lookup_view_of(sha256: str, known: KnownVerdict | LookUpRefusal | None) -> LookUpView:
    """What is known of a hash, or why it could not be asked."""
    if known is None:
        return LookUpView(sha256=sha256)
    if isinstance(known, LookUpRefusal):
        return LookUpView(sha256=sha256, trouble=f"{known.rule}: {known.detail}")
    said = verdict_message(known.verdict)
    return LookUpView(sha256=sha256, verdict=said, source=known.source, expires=known.expires)


def name_of(uid: int) -> str:
    """Who a user is: by name, or by number where the system knows no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def printable(path: bytes) -> str:
    """A path for people: what is not UTF-8 or would move a terminal's cursor is escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _match(match: RuleMatch) -> ScanMatch:
    return ScanMatch(
        rule=match.rule,
        namespace=match.namespace,
        tags=match.tags,
        meta=dict(reversed(match.meta)),
        hits=tuple(
            ScanHit(identifier=hit.identifier, offset=hit.offset, length=hit.length, xor_key=hit.xor_key)
            for hit in match.hits[:SCAN_HITS_PER_RULE_MAX_COUNT]
        ),
        hits_total=match.hits_total,
    )


def content_of(content: Content) -> ContentMessage:
    """A content as the wire and the socket say it."""
    part = content.part
    return ContentMessage(
        sha256=content.sha256,
        size=content.size,
        part=_part(part) if part else None,
    )


def _part(part: Part) -> PartMessage:
    return PartMessage(
        kind=part.kind,
        name=part.name,
        offset=part.offset,
        length=part.length,
        recipe=list(part.recipe),
        covers=[
            CoveredMessage(kind=inside.kind, name=inside.name, offset=inside.offset, length=inside.length)
            for inside in part.covers
        ],
    )


def verdict_message(verdict: Verdict) -> VerdictMessage:
    """A verdict as the wire and the socket say it."""
    return VerdictMessage(
        conclusion=verdict.conclusion,
        score=verdict.score,
        analyzer=verdict.analyzer,
        at=verdict.at,
        family=verdict.family,
        note=verdict.note,
        expires=verdict.expires,
    )
