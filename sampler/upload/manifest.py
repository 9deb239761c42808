"""Parcel → manifest. There is no other way to make one, and nothing that is not in the parcel gets in."""

from __future__ import annotations

from collections.abc import Iterable

from sampler.errors import DeliveryError
from sampler.limits import MANIFEST_MAX_BYTES
from sampler.model import Content, Covered, Field, Parcel, Part
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.messages import (
    ContentMessage,
    CoveredMessage,
    FieldJson,
    Fields,
    Manifest,
    ObjectMessage,
    OmissionMessage,
    PartMessage,
    ProofMessage,
    StatementMessage,
)


def manifest_of(parcel: Parcel) -> Manifest:
    """The manifest that offers a parcel, held to the wire's own rules.

    Raises:
        DeliveryError: the parcel cannot be said on the wire; the message names the place.
    """
    manifest = Manifest(
        id=parcel.event_id,
        created=parcel.created,
        object=ObjectMessage(sha256=parcel.sha256, size=parcel.size, tree_root=parcel.tree_root or None),
        statement=_statement(parcel),
        answers=parcel.answers,
        fields=_fields(parcel.fields),
        matches=[_fields(match) for match in parcel.matches],
        contents=[_content(content) for content in parcel.contents],
        omissions=[OmissionMessage(what=omission.what, reason=omission.reason) for omission in parcel.omissions],
    )
    return _checked(manifest)


def _statement(parcel: Parcel) -> StatementMessage:
    """The statement, with what it promises about the time that contents are kept."""
    return StatementMessage(
        id=parcel.statement.id,
        version=parcel.statement.version,
        digest=parcel.statement.digest,
        region=parcel.region or None,
        retention_days=parcel.retention_days,
        scopes=sorted(parcel.scopes),
    )


def _checked(manifest: Manifest) -> Manifest:
    """What the queue would refuse is found here, before it is spooled."""
    try:
        data = encode(manifest)
        if len(data) > MANIFEST_MAX_BYTES:
            raise DeliveryError(
                f"{manifest.id}: its manifest has {len(data)} bytes, at most {MANIFEST_MAX_BYTES} travel"
            )
        return decode(data, Manifest)
    except (DecodeError, UnicodeEncodeError) as error:
        raise DeliveryError(f"{manifest.id}: its manifest cannot be said on the wire: {error}") from error


def _fields(fields: Iterable[Field]) -> Fields:
    return {field.name: _value(field) for field in fields}


def _value(field: Field) -> FieldJson:
    return list(field.value) if isinstance(field.value, tuple) else field.value


def _content(content: Content) -> ContentMessage:
    part = content.part
    if part is None:
        return ContentMessage(sha256=content.sha256, size=content.size)
    place = PartMessage(
        kind=part.kind,
        name=part.name,
        offset=part.offset,
        length=part.length,
        recipe=list(part.recipe),
        proof=_proof(part),
        covers=[_covered(covered) for covered in part.covers],
    )
    return ContentMessage(sha256=content.sha256, size=content.size, part=place)


def _covered(covered: Covered) -> CoveredMessage:
    return CoveredMessage(kind=covered.kind, name=covered.name, offset=covered.offset, length=covered.length)


def _proof(part: Part) -> ProofMessage | None:
    proof = part.proof
    return ProofMessage(before=proof.before, after=proof.after, nodes=list(proof.nodes)) if proof else None
