"""When a signature was made, by whoever stamped it: a counter-signature (RFC 2985, 5.3.6) or a token (RFC 3161)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sampler.describe.authenticode_chain import BrokenChain, certificate_of, chain_of, valid_at
from sampler.describe.authenticode_door import read_counter_signer, read_signed_data, read_time_stamp
from sampler.describe.authenticode_keys import DIGESTS, UnsupportedKey, is_signed_by
from sampler.describe.authenticode_values import Certificate, MalformedSignature, SignedData, Signer
from sampler.errors import SamplerError

_COUNTER_SIGNATURE: Final = "1.2.840.113549.1.9.6"
_TOKEN: Final = "1.3.6.1.4.1.311.3.3.1"  # noqa: S105  # what RFC 3161 calls it
_TIME_STAMP: Final = "1.2.840.113549.1.9.16.1.4"
_FOR_STAMPING: Final = "1.3.6.1.5.5.7.3.8"


class BadTimestamp(SamplerError):
    """A signature is stamped, and the stamp does not hold."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp that holds, as far as the file tells."""

    time: datetime
    authority: Certificate


def stamp_of(signature: SignedData) -> Stamped | None:
    """The first stamp on a signature; ``None`` where it has none.

    Raises:
        BadTimestamp: it does not hold, or cannot be read.
    """
    try:
        for kind, value in signature.signer.unsigned:
            if kind == _TOKEN:
                return _by_token(read_signed_data(value), signature.signer.signature)
            if kind == _COUNTER_SIGNATURE:
                return _by_signer(read_counter_signer(value), signature)
    except (MalformedSignature, BrokenChain, UnsupportedKey) as error:
        raise BadTimestamp(str(error)) from error
    return None


def _by_token(token: SignedData, stamped: bytes) -> Stamped:
    if token.content_type != _TIME_STAMP or token.signer.content_type != _TIME_STAMP:
        raise BadTimestamp("the token is no time stamp")
    stamp = read_time_stamp(token.content)
    _check_digest(stamp.digest_name, stamp.digest, stamped)
    _check_digest(token.signer.digest_name, token.signer.message_digest, token.content)
    return _checked(token.signer, token.certificates, stamp.time)


def _by_signer(signer: Signer, signature: SignedData) -> Stamped:
    if signer.signing_time is None:
        raise BadTimestamp("the counter-signature has no time")
    _check_digest(signer.digest_name, signer.message_digest, signature.signer.signature)
    return _checked(signer, signature.certificates, signer.signing_time)


def _check_digest(name: str, digest: bytes, content: bytes) -> None:
    if name not in DIGESTS or hashlib.new(name, content, usedforsecurity=False).digest() != digest:
        raise BadTimestamp("it stamps something else")


def _checked(signer: Signer, certificates: tuple[Certificate, ...], time: datetime) -> Stamped:
    authority = certificate_of(signer, certificates)
    if authority is None:
        raise BadTimestamp("the certificate of who stamped it is not in the file")
    if authority.usages is None or _FOR_STAMPING not in authority.usages:
        raise BadTimestamp(f"the certificate of {authority.subject_name} is not for stamping")
    if not is_signed_by(authority.key, signer.signature, signer.signed, signer.digest_name):
        raise BadTimestamp(f"{authority.subject_name} did not make the stamp")
    if not valid_at(chain_of(authority, certificates), time):
        raise BadTimestamp(f"a certificate of {authority.subject_name} was not valid then")
    return Stamped(time, authority)
