"""The ASN.1 of signatures, as far as it is needed: PKCS #7 (RFC 2315, 9) and the Authenticode format. Types alone."""

from __future__ import annotations

from typing import ClassVar

from asn1crypto import algos, core


class Anything(core.SetOf):  # type: ignore[misc]  # asn1crypto has no types
    """Values of any kind."""

    _child_spec = core.Any


class Attribute(core.Sequence):  # type: ignore[misc]
    """An object identifier and its values."""

    _fields: ClassVar = [("type", core.ObjectIdentifier), ("values", Anything)]


class Attributes(core.SetOf):  # type: ignore[misc]
    """Attributes of a signer."""

    _child_spec = Attribute


class IssuerAndSerial(core.Sequence):  # type: ignore[misc]
    """What names a certificate."""

    _fields: ClassVar = [("issuer", core.Any), ("serial", core.Integer)]


class SignerInfo(core.Sequence):  # type: ignore[misc]
    """RFC 2315, 9.2."""

    _fields: ClassVar = [
        ("version", core.Integer),
        ("by", IssuerAndSerial),
        ("digest", algos.DigestAlgorithm),
        ("signed", Attributes, {"implicit": 0, "optional": True}),
        ("algorithm", algos.SignedDigestAlgorithm),
        ("signature", core.OctetString),
        ("unsigned", Attributes, {"implicit": 1, "optional": True}),
    ]


class SignerInfos(core.SetOf):  # type: ignore[misc]
    """Signers of one SignedData."""

    _child_spec = SignerInfo


class ContentInfo(core.Sequence):  # type: ignore[misc]
    """RFC 2315, 7; the content keeps its explicit tag."""

    _fields: ClassVar = [("type", core.ObjectIdentifier), ("content", core.Any, {"explicit": 0, "optional": True})]


class SignedDataType(core.Sequence):  # type: ignore[misc]
    """RFC 2315, 9.1."""

    _fields: ClassVar = [
        ("version", core.Integer),
        ("digests", Anything),
        ("content", ContentInfo),
        ("certificates", Anything, {"implicit": 0, "optional": True}),
        ("crls", Anything, {"implicit": 1, "optional": True}),
        ("signers", SignerInfos),
    ]


class DigestInfo(core.Sequence):  # type: ignore[misc]
    """RFC 2315, 9.4."""

    _fields: ClassVar = [("algorithm", algos.DigestAlgorithm), ("digest", core.OctetString)]


class IndirectData(core.Sequence):  # type: ignore[misc]
    """SpcIndirectDataContent: what is signed in place of the image."""

    _fields: ClassVar = [("data", core.Any), ("digest", DigestInfo)]
