"""The one door to asn1crypto: DER out of a hostile file becomes plain values, or ``MalformedSignature``.

asn1crypto parses lazily and raises from wherever a value is first looked at, so all looking is done in here, within
ceilings on how many of anything there are. Nothing gets out but bytes, numbers, times and texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from asn1crypto import core, keys, parser, tsp, x509

from sampler.describe.authenticode_schema import ContentInfo, IndirectData, SignedDataType, SignerInfo
from sampler.describe.authenticode_values import (
    Certificate,
    MalformedSignature,
    PublicKey,
    SignedData,
    Signer,
    TimeStamp,
)
from sampler.describe.text import hostile_text
from sampler.limits import SIGNATURE_CERTIFICATES_MAX_COUNT, SIGNATURE_VALUES_MAX_COUNT

T = TypeVar("T")

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"

_RAISED_ON_HOSTILE_INPUT: Final = (
    ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_SET: Final = b"\x31"
_CERTIFICATE: Final = b"\x30"
"""What stands beside certificates under other tags (RFC 5652, 10.2.2) signs no program."""
_NAME_MAX_CHARACTERS: Final = 256
_NAME_PARTS: Final = ("common_name", "organization_name", "organizational_unit_name")
_Attribute = tuple[str, bytes]


def read_signed_data(der: bytes) -> SignedData:
    """A ContentInfo that holds a SignedData of one signer; what pads it is passed over.

    Raises:
        MalformedSignature: it is none, or has more of anything than is taken.
    """
    return _ask(lambda: _signed_data(der))


def read_image_digest(content: bytes) -> tuple[str, bytes]:
    """Algorithm and digest of a SpcIndirectDataContent, given without tag and length.

    Raises:
        MalformedSignature: it is none.
    """

    def look() -> tuple[str, bytes]:
        info = IndirectData(contents=content)["digest"]
        return str(info["algorithm"]["algorithm"].native), bytes(info["digest"].native)

    return _ask(look)


def read_time_stamp(content: bytes) -> TimeStamp:
    """A TSTInfo.

    Raises:
        MalformedSignature: it is none.
    """

    def look() -> TimeStamp:
        info = tsp.TSTInfo.load(content)
        imprint = info["message_imprint"]
        algorithm, digest = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        return TimeStamp(str(algorithm), bytes(digest), _moment(info["gen_time"]))

    return _ask(look)


def read_counter_signer(der: bytes) -> Signer:
    """A SignerInfo that stands as an attribute (RFC 2985, 5.3.6).

    Raises:
        MalformedSignature: it is none.
    """
    return _ask(lambda: _signer(SignerInfo.load(der)))


def _ask(question: Callable[[], T]) -> T:
    try:
        return question()
    except _RAISED_ON_HOSTILE_INPUT as error:
        raise MalformedSignature(f"{type(error).__name__}: {hostile_text(str(error), _NAME_MAX_CHARACTERS)}") from error


def _signed_data(der: bytes) -> SignedData:
    outer = ContentInfo.load(der)
    if outer["type"].dotted != SIGNED_DATA:
        raise ValueError("it holds no SignedData")
    inner = SignedDataType.load(_inside(outer["content"].dump()))
    content, certificates, signers = inner["content"], inner["certificates"], inner["signers"]
    _check_count("signers", signers, 1)
    _check_count("certificates", certificates, SIGNATURE_CERTIFICATES_MAX_COUNT)
    return SignedData(
        content_type=content["type"].dotted,
        content=_inside(_inside(content["content"].dump())),
        certificates=tuple(_certificate(each.dump()) for each in certificates if each.dump()[:1] == _CERTIFICATE),
        signer=_signer(signers[0]),
    )


def _inside(der: bytes) -> bytes:
    """The contents of one value."""
    return bytes(parser.parse(der)[4])


def _check_count(what: str, values: Any, ceiling: int) -> None:
    if len(values) > ceiling:
        raise ValueError(f"{len(values)} {what}, at most {ceiling} are read")


def _signer(info: Any) -> Signer:
    signed = dict(_attributes(info["signed"]))
    return Signer(
        issuer=info["by"]["issuer"].dump(),
        serial=int(info["by"]["serial"].native),
        digest_name=str(info["digest"]["algorithm"].native),
        message_digest=_inside(signed[_MESSAGE_DIGEST]),
        content_type=_dotted(signed[_CONTENT_TYPE]),
        signing_time=_moment(core.UTCTime.load(signed[_SIGNING_TIME])) if _SIGNING_TIME in signed else None,
        signed=_SET + info["signed"].dump()[1:],  # RFC 2315, 9.3: signed as a set, kept under another tag
        signature=bytes(info["signature"].native),
        unsigned=tuple(_attributes(info["unsigned"])),
    )


def _attributes(attributes: Any) -> Iterator[_Attribute]:
    """Each value with its attribute's identifier."""
    _check_count("attributes", attributes, SIGNATURE_VALUES_MAX_COUNT)
    for attribute in attributes:
        _check_count("values of an attribute", attribute["values"], SIGNATURE_VALUES_MAX_COUNT)
        for value in attribute["values"]:
            yield attribute["type"].dotted, value.dump()


def _dotted(der: bytes) -> str:
    return str(core.ObjectIdentifier.load(der).dotted)


def _certificate(der: bytes) -> Certificate:
    read = x509.Certificate.load(der, strict=True)
    body = read["tbs_certificate"]
    usages = read.extended_key_usage_value
    constraints = read.basic_constraints_value
    return Certificate(
        der=der,
        subject=body["subject"].dump(),
        issuer=body["issuer"].dump(),
        subject_name=_name(body["subject"]),
        issuer_name=_name(body["issuer"]),
        serial=int(body["serial_number"].native),
        not_before=_moment(body["validity"]["not_before"].chosen),
        not_after=_moment(body["validity"]["not_after"].chosen),
        key=_key(body["subject_public_key_info"]),
        signed=body.dump(),
        signature=bytes(read["signature_value"].native),
        digest_name=_digest_name(read["signature_algorithm"]),
        is_authority=constraints is not None and bool(constraints["ca"].native),
        usages=None if usages is None else frozenset(usage.dotted for usage in usages),
    )


def _digest_name(algorithm: Any) -> str:
    """Empty for a signature that goes without a digest of its own."""
    try:
        return str(algorithm.hash_algo)
    except ValueError:
        return ""


def _name(name: Any) -> str:
    parts = {part["type"].native: part["value"].native for level in name.chosen for part in level}
    for wanted in _NAME_PARTS:
        if isinstance(parts.get(wanted), str):
            return hostile_text(parts[wanted], _NAME_MAX_CHARACTERS)
    return hostile_text(", ".join(str(value) for value in parts.values()), _NAME_MAX_CHARACTERS)


def _key(info: keys.PublicKeyInfo) -> PublicKey:
    kind = str(info["algorithm"]["algorithm"].native)
    if kind == "rsa":
        numbers = info["public_key"].parsed
        return PublicKey(kind, (int(numbers["modulus"].native), int(numbers["public_exponent"].native)))
    if kind == "ec" and info["algorithm"]["parameters"].name == "named":
        x, y = info["public_key"].to_coords()
        return PublicKey(kind, (int(x), int(y)), str(info["algorithm"]["parameters"].chosen.dotted))
    return PublicKey(kind)


def _moment(time: Any) -> datetime:
    moment = time.native
    if not isinstance(moment, datetime):
        raise TypeError("not a time that a calendar has")
    return moment.astimezone(UTC)
