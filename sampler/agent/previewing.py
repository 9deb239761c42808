"""What flagging an object would send, as its owner reads it: every stage but the last ones is run, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sampler.agent.views import content_of
from sampler.limits import KIB
from sampler.model import Candidate, Content, Field, Finding, Parcel, Refusal
from sampler.permit import Explanation, FieldLine, Rule, content_label
from sampler.spool import Read
from sampler.upload import manifest_of
from sampler.wire.codec import encode
from sampler.wire.messages import FieldJson, ObjectMessage, OmissionMessage
from sampler.wire.preview_messages import PreviewContent, PreviewField, PreviewProblem, PreviewView

PREVIEW_HEAD_BYTES: Final = 256
_BEFORE_MAX_CHARACTERS: Final = 4 * KIB


@dataclass(frozen=True, slots=True)
class Previewed:
    """A decision about an object, and where the bytes that it speaks of can be read while it is shown."""

    finding: Finding
    explanation: Explanation
    read: Read


def without_strangers(candidate: Candidate) -> Candidate:
    """The candidate without a process that is not the peer's own: a preview shows what the agent can see of it."""
    if candidate.pid is None or candidate.peer.uid in (0, _owner_of(candidate.pid)):
        return candidate
    return replace(candidate, pid=None)


def _owner_of(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def preview_of(seen: Previewed, statement: str) -> PreviewView:
    """The view of what would leave; reads the beginning of each content.

    Args:
        seen: the decision, its contents still readable.
        statement: identifier and version of the one that decided.

    Raises:
        DeliveryError: the wire has no room for its manifest.
    """
    finding, outcome = seen.finding, seen.explanation.outcome
    contents = _contents(seen)
    return PreviewView(
        object=ObjectMessage(sha256=finding.sha256, size=finding.size),
        mime_type=finding.mime_type,
        kind=finding.kind.value,
        sends=isinstance(outcome, Parcel),
        rule=outcome.rule if isinstance(outcome, Refusal) else "",
        detail=outcome.detail if isinstance(outcome, Refusal) else "",
        statement=statement,
        fields=_fields(seen.explanation.fields),
        matches=tuple(_fields(lines) for lines in seen.explanation.matches),
        contents=contents,
        omissions=_omissions(seen),
        problems=tuple(
            PreviewProblem(stage=each.stage, code=each.code, detail=each.detail) for each in finding.problems
        ),
        manifest_bytes=len(encode(manifest_of(outcome))) if isinstance(outcome, Parcel) else 0,
        content_bytes=sum(each.content.size for each in contents if not each.held),
    )


def _omissions(seen: Previewed) -> tuple[OmissionMessage, ...]:
    outcome = seen.explanation.outcome
    left_out = outcome.omissions if isinstance(outcome, Parcel) else seen.finding.plan.omissions
    return tuple(OmissionMessage(what=each.what, reason=each.reason) for each in left_out)


def _contents(seen: Previewed) -> tuple[PreviewContent, ...]:
    outcome = seen.explanation.outcome
    if isinstance(outcome, Refusal):
        return ()
    reasons = dict(outcome.reasons)
    return (
        *(_content(content, reasons.get(content_label(content.part), ""), seen.read) for content in outcome.contents),
        *(_content(content, Rule.HELD.value, seen.read, held=True) for content in outcome.held),
    )


def _content(content: Content, why: str, read: Read, *, held: bool = False) -> PreviewContent:
    return PreviewContent(content=content_of(content), why=why, head=_head(content, read), held=held)


def _head(content: Content, read: Read) -> str:
    chunks = read(content)
    return bytes(next(iter(chunks), b"")[:PREVIEW_HEAD_BYTES]).hex()


def _fields(lines: Iterable[FieldLine]) -> tuple[PreviewField, ...]:
    return tuple(
        PreviewField(
            name=line.before.name,
            before=_shown(line.before),
            after=None if line.after is None else _json(line.after),
            scope=line.rule.scope if line.rule else "",
            treatment=line.rule.treatment if line.rule else "",
            why=line.why,
        )
        for line in lines
    )


def _shown(field: Field) -> FieldJson:
    """What the host knows can be longer than what may travel."""
    value = _json(field)
    if isinstance(value, str):
        return _cut(value)
    return [_cut(text) for text in value[:64]] if isinstance(value, list) else value


def _cut(text: str) -> str:
    clean = text.encode("utf-8", "backslashreplace").decode()
    return clean if len(clean) <= _BEFORE_MAX_CHARACTERS else clean[: _BEFORE_MAX_CHARACTERS - 1] + "…"


def _json(field: Field) -> FieldJson:
    return list(field.value) if isinstance(field.value, tuple) else field.value
