"""How long what came in is kept: what the operator's rules and the owner's statement say of one submission. Pure.

Contents (an object's bytes, whole or in parts) and records (its manifest, what it is found by, what was concluded) have
times of their own, counted from when the submission came. All rules that apply are met at once and the shortest time
counts, so their order means nothing and no rule keeps anything longer. What the owner's statement promises bounds the
contents, whatever the operator says. Records are never destroyed before their contents.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from sampler.model import Conclusion, Scope
from sampler.queue.records import Submission
from sampler.wire.messages import Manifest

DEFAULT_DAYS: Final = 365.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at, and what statistics are made of. It outlives no record."""

    received: datetime
    device: str
    tenant: str
    reason: str = ""
    mime_type: str = ""
    region: str = ""
    """The statement's; empty where the host did not say."""
    scopes: tuple[str, ...] = ()
    """Classes of data under which it left."""
    statement_days: int | None = None
    """How long the statement lets originals be kept; ``None`` where the host did not say."""
    rules: tuple[str, ...] = ()
    """Names of those that matched, each once."""
    contents: int = 0
    bytes: int = 0
    """Of all contents together."""
    conclusion: Conclusion | None = None

    @property
    def day(self) -> date:
        """The day that it came on, UTC."""
        return self.received.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """A narrower time for some submissions. All conditions have to hold; one that is empty always does."""

    mime_types: tuple[str, ...] = ()
    """Globs."""
    verdicts: tuple[Conclusion, ...] = ()
    scopes: tuple[Scope, ...] = ()
    """It left under one of these."""
    reasons: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    contents_days: float | None = None
    records_days: float | None = None

    def applies(self, facts: Facts) -> bool:
        """Whether it is about such a submission."""
        types = not self.mime_types or any(fnmatch.fnmatchcase(facts.mime_type, glob) for glob in self.mime_types)
        named = (
            (self.verdicts, facts.conclusion),
            (self.reasons, facts.reason),
            (self.regions, facts.region),
            (self.tenants, facts.tenant),
        )
        scoped = not self.scopes or bool({each.value for each in self.scopes} & {*facts.scopes})
        return types and scoped and all(not wanted or value in wanted for wanted, value in named)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What the operator says."""

    contents_days: float = DEFAULT_DAYS
    records_days: float = DEFAULT_DAYS
    rules: tuple[RetentionRule, ...] = ()
    settle_seconds: float = 86_400.0
    """A change of these rules destroys nothing by itself for so long: time to look at what it would."""

    @property
    def digest(self) -> str:
        """What tells it from other rules."""
        return hashlib.sha256(msgspec.json.encode(replace(self, settle_seconds=0.0))).hexdigest()


@dataclass(frozen=True, slots=True)
class Due:
    """When a submission's time is over, and what says so."""

    contents: datetime
    records: datetime
    contents_why: str
    records_why: str


def facts_of(manifest: Manifest, submission: Submission, conclusion: Conclusion | None = None) -> Facts:
    """What the rules look at."""
    rules = (str(match["rule.name"]) for match in manifest.matches if "rule.name" in match)
    sizes = {content.sha256: content.size for content in manifest.contents}
    return Facts(
        received=submission.received,
        device=submission.device,
        tenant=submission.tenant,
        reason=str(manifest.fields.get("event.reason", "")),
        mime_type=str(manifest.fields.get("file.mime_type", "")),
        region=manifest.statement.region or "",
        scopes=tuple(scope.value for scope in manifest.statement.scopes),
        statement_days=manifest.statement.retention_days,
        rules=tuple(dict.fromkeys(rules)),
        contents=len(sizes),
        bytes=sum(sizes.values()),
        conclusion=conclusion,
    )


def bare_facts_of(submission: Submission) -> Facts:
    """What is known of a submission without its manifest."""
    return Facts(received=submission.received, device=submission.device, tenant=submission.tenant)


def due(policy: RetentionPolicy, facts: Facts) -> Due:
    """When contents and records of such a submission are destroyed."""
    records_days, records_why = min(_records(policy, facts))
    contents_days, contents_why = min((*_contents(policy, facts), (records_days, records_why)))
    return Due(
        contents=facts.received + timedelta(days=contents_days),
        records=facts.received + timedelta(days=records_days),
        contents_why=contents_why,
        records_why=records_why,
    )


def _contents(policy: RetentionPolicy, facts: Facts) -> Iterator[tuple[float, str]]:
    yield policy.contents_days, "retention.contents_days"
    if facts.statement_days is not None:
        yield facts.statement_days, "the owner's statement"
    for number, rule in enumerate(policy.rules, 1):
        if rule.contents_days is not None and rule.applies(facts):
            yield rule.contents_days, f"retention rule {number}"


def _records(policy: RetentionPolicy, facts: Facts) -> Iterator[tuple[float, str]]:
    yield policy.records_days, "retention.records_days"
    for number, rule in enumerate(policy.rules, 1):
        if rule.records_days is not None and rule.applies(facts):
            yield rule.records_days, f"retention rule {number}"
