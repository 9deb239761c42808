"""What a signature says, as plain values: certificates, the signer, and what was signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sampler.errors import SamplerError


class MalformedSignature(SamplerError):
    """What should be a signature, or a certificate of one, cannot be read."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key of a certificate: RSA, or a point on a curve with a name."""

    kind: str
    """``rsa``, ``ec``, or the name of what is not verified here."""
    numbers: tuple[int, int] = (0, 0)
    """Modulus and exponent, or the point."""
    curve: str = ""
    """Its object identifier."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One X.509 certificate (RFC 5280, 4.1), read."""

    der: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    """Both names as the file has them, to be compared byte by byte."""
    subject_name: str
    issuer_name: str
    """Their common names, or else what else they are called; fit to print."""
    serial: int
    not_before: datetime
    not_after: datetime
    key: PublicKey = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    digest_name: str
    """Of the signature that its issuer made."""
    is_authority: bool
    usages: frozenset[str] | None
    """Object identifiers of the extended key usage; ``None`` where it has no such extension."""


@dataclass(frozen=True, slots=True)
class Signer:
    """One SignerInfo (RFC 2315, 9.2)."""

    issuer: bytes
    serial: int
    digest_name: str
    message_digest: bytes
    content_type: str
    signing_time: datetime | None
    signed: bytes = field(repr=False)
    """What the signature is made over: the attributes as a set."""
    signature: bytes = field(repr=False)
    unsigned: tuple[tuple[str, bytes], ...] = field(repr=False)
    """Attributes that nobody signed: object identifier and the value's DER, a pair for each value."""


@dataclass(frozen=True, slots=True)
class SignedData:
    """One SignedData (RFC 2315, 9.1) with its only signer."""

    content_type: str
    content: bytes = field(repr=False)
    """Without tag and length: what is digested."""
    certificates: tuple[Certificate, ...]
    signer: Signer


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time stamp says (RFC 3161, 2.4.2)."""

    digest_name: str
    digest: bytes
    time: datetime
