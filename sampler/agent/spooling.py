"""A parcel as the ledger and the journal know it, and the manifest that offers it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sampler.model import Content, Finding, ObjectRecord, ObjectState, Parcel, Sampling
from sampler.upload import manifest_of
from sampler.wire.codec import encode


@dataclass(frozen=True, slots=True)
class Spoolable:
    """What becomes of a parcel on the host."""

    record: ObjectRecord
    parcel: Parcel
    manifest: bytes
    """Exactly the bytes that are offered."""
    note: Mapping[str, Any]
    """For the journal: under which statement, by which rules, and which fields stay here by which."""


def spoolable(record: ObjectRecord, parcel: Parcel, stays: Mapping[str, Sequence[str]]) -> Spoolable:
    """A parcel, ready to be kept until it is delivered.

    Raises:
        DeliveryError: the wire has no room for it.
    """
    waiting = replace(
        record,
        state=ObjectState.SPOOLED,
        detail="waits for delivery",
        sampling=sampling_of(parcel.contents),
        contents=without_proofs(parcel.contents),
        omissions=parcel.omissions,
    )
    under = {"statement": parcel.statement.digest, "scopes": sorted(parcel.scopes)}
    note = {**under, "reasons": dict(parcel.reasons), "withheld": stays}
    return Spoolable(waiting, parcel, encode(manifest_of(parcel)), note)


def with_finding(record: ObjectRecord, finding: Finding) -> ObjectRecord:
    """The record with what was found."""
    return replace(
        record,
        mime_type=finding.mime_type,
        kind=finding.kind,
        ruleset_version=finding.ruleset_version,
        matches=tuple((match.rule, match.hits_total) for match in finding.matches),
    )


def sampling_of(contents: Sequence[Content]) -> Sampling:
    """How much of an object these contents are."""
    if not contents:
        return Sampling.METADATA
    return Sampling.WHOLE if contents[0].part is None else Sampling.PARTS


def without_proofs(contents: Iterable[Content]) -> tuple[Content, ...]:
    """As the host's own records keep them; the manifest has the proofs."""
    return tuple(
        content if content.part is None else replace(content, part=replace(content.part, proof=None))
        for content in contents
    )
