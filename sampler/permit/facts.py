"""All that a finding says, as fields, before anyone asked whether they may leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sampler.model import Field, Finding, Reason, RuleMatch, Subject
from sampler.permit.command_lines import with_whole_command_lines

_CATEGORIES = {Subject.MEMORY: "process", Subject.ACTIVITY: "process"}
"""Of ECS's allowed values; disks have none of their own."""
_META = ("author", "reference", "version", "uuid", "description")


def fields_of(finding: Finding) -> tuple[Field, ...]:
    """Event, object, detections and what was described, each name once. What the finding itself knows wins."""
    unique: dict[str, Field] = {}
    for field in (*_own(finding), *with_whole_command_lines(finding.fields)):
        unique.setdefault(field.name, field)
    return tuple(unique.values())


def fields_of_match(match: RuleMatch) -> tuple[Field, ...]:
    """One rule that matched: its name and metadata, and where its strings are; never the bytes there."""
    return tuple(_of_match(match))


def _own(finding: Finding) -> Iterator[Field]:
    detected = finding.reason is Reason.DETECTION
    yield Field("event.id", finding.event_id)
    yield Field("event.created", _seconds(finding.created))
    yield Field("event.kind", "alert" if detected else "event")
    yield Field("event.category", ("malware",) if detected else (_CATEGORIES.get(finding.subject, "file"),))
    yield Field("event.reason", finding.reason.value)
    if finding.follows is not None:
        yield Field("sampler.event.follows", finding.follows)
    yield Field("file.hash.sha256", finding.sha256)
    yield Field("file.size", finding.size)
    yield Field("file.mime_type", finding.mime_type)
    yield Field("sampler.ruleset.version", finding.ruleset_version)
    if finding.detections:
        yield Field("sampler.detections", finding.detections)


def _of_match(match: RuleMatch) -> Iterator[Field]:
    yield Field("rule.name", match.rule)
    yield Field("rule.ruleset", match.namespace)
    for key in _META:
        yield from _meta(match, key, f"rule.{key}")
    yield from _meta(match, "severity", "sampler.rule.severity")
    if match.tags:
        yield Field("sampler.rule.tags", match.tags)
    if match.hits:
        yield Field("sampler.rule.strings", tuple(f"{hit.identifier}:{hit.offset}:{hit.length}" for hit in match.hits))


def _meta(match: RuleMatch, key: str, name: str) -> Iterable[Field]:
    value = match.meta_value(key)
    return () if value is None else (Field(name, value if name.startswith("sampler.") else str(value)),)


def _seconds(moment: datetime) -> str:
    """RFC 3339, UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
