"""Whether one signature holds, and if not, why: numbered checks, and the first that fails decides. Pure.

1. it can be read, and signs the digest of an image;
2. that digest is this file's;
3. the digest of what is signed is the one that the signer signed;
4. the signer's certificate is in the file;
5. the signer made the signature;
6. a time stamp, where there is one, holds;
7. each certificate was issued by the next, as far as the file brings them;
8. all of them were valid when it was stamped, or are now;
9. the signer's certificate is for signing code.

Nothing here trusts a root: who signs may have made all of it himself, his time stamp included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sampler.describe.authenticode_chain import BrokenChain, certificate_of, chain_of, valid_at
from sampler.describe.authenticode_door import read_image_digest, read_signed_data
from sampler.describe.authenticode_keys import DIGESTS, UnsupportedKey, is_signed_by
from sampler.describe.authenticode_times import BadTimestamp, Stamped, stamp_of
from sampler.describe.authenticode_values import Certificate, MalformedSignature, SignedData
from sampler.errors import SamplerError

INDIRECT_DATA: Final = "1.3.6.1.4.1.311.2.1.4"
"""SPC_INDIRECT_DATA_OBJID: what is signed in place of the image."""
_NESTED: Final = "1.3.6.1.4.1.311.2.4.1"
_FOR_CODE: Final = "1.3.6.1.5.5.7.3.3"
_FOR_ANYTHING: Final = "2.5.29.37.0"


class Status(StrEnum):
    """What became of a signature (``file.code_signature.status``)."""

    GOOD = "good"
    """All that the file itself can tell holds. Whether its root is to be trusted is not said."""
    MALFORMED = "malformed"
    BAD_DIGEST = "bad-digest"
    """The file was changed after it was signed, or the signature is another file's."""
    BAD_SIGNATURE = "bad-signature"
    NO_CERTIFICATE = "no-certificate"
    BAD_TIMESTAMP = "bad-timestamp"
    BAD_CHAIN = "bad-chain"
    NOT_VALID_THEN = "not-valid-then"
    """Expired, or not yet valid, when it was stamped, or now where it was not."""
    NOT_FOR_CODE = "not-for-code"
    UNSUPPORTED = "unsupported"
    """Made by means that are not verified here."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One signature, looked at."""

    status: Status
    why: str = ""
    """In words; empty for ``GOOD``."""
    valid: bool | None = None
    """Whether the signature is the signer's and over this very file; ``None`` where that could not be told."""
    digest_name: str = ""
    digest: bytes = b""
    """The file's own, not the signed one."""
    chain: tuple[Certificate, ...] = ()
    """The signer's certificate first."""
    stamped: Stamped | None = None
    nested: tuple[bytes, ...] = ()
    """Signatures beside it, each as ``judge`` takes them."""


class _Failed(SamplerError):
    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status = status


_STATUSES: Final = (
    (MalformedSignature, Status.MALFORMED),
    (UnsupportedKey, Status.UNSUPPORTED),
    (BadTimestamp, Status.BAD_TIMESTAMP),
    (BrokenChain, Status.BAD_CHAIN),
)


class _Judging:
    """One signature while it is looked at; what was found out before a check fails stands."""

    def __init__(self, digest_of: Callable[[str], bytes]) -> None:
        self.digest_of = digest_of
        self.valid: bool | None = None
        self.digest_name, self.digest = "", b""
        self.chain: tuple[Certificate, ...] = ()
        self.stamped: Stamped | None = None
        self.nested: tuple[bytes, ...] = ()

    def follow(self, der: bytes, now: datetime) -> None:
        signature = self._signature_over_this(der)  # 1, 2, 3
        leaf = self._signer(signature)  # 4, 5
        self.stamped = stamp_of(signature)  # 6
        self.chain = chain_of(leaf, signature.certificates)  # 7
        moment = self.stamped.time if self.stamped else now
        if not valid_at(self.chain, moment):  # 8
            raise _Failed(Status.NOT_VALID_THEN, f"not all certificates were valid on {moment:%Y-%m-%d}")
        if not _is_for_code(leaf):  # 9
            raise _Failed(Status.NOT_FOR_CODE, f"the certificate of {leaf.subject_name} is not for signing code")

    def _signature_over_this(self, der: bytes) -> SignedData:
        signature = read_signed_data(der)
        leaf = certificate_of(signature.signer, signature.certificates)
        self.chain = (leaf,) if leaf else ()
        self.nested = tuple(value for kind, value in signature.signer.unsigned if kind == _NESTED)
        if {signature.content_type, signature.signer.content_type} != {INDIRECT_DATA}:
            raise MalformedSignature("it signs no digest of an image")
        name, digest = read_image_digest(signature.content)
        if name not in DIGESTS or signature.signer.digest_name not in DIGESTS:
            raise UnsupportedKey(f"digests by {name} and {signature.signer.digest_name} are not verified")
        self.digest_name, self.digest = name, self.digest_of(name)
        if digest != self.digest:
            self._refute(Status.BAD_DIGEST, "the file is not the one that was signed")
        content = hashlib.new(signature.signer.digest_name, signature.content, usedforsecurity=False).digest()
        if content != signature.signer.message_digest:
            self._refute(Status.BAD_SIGNATURE, "the signer signed another digest")
        return signature

    def _signer(self, signature: SignedData) -> Certificate:
        signer = signature.signer
        if not self.chain:
            raise _Failed(Status.NO_CERTIFICATE, "the signer's certificate is not in the file")
        if not is_signed_by(self.chain[0].key, signer.signature, signer.signed, signer.digest_name):
            self._refute(Status.BAD_SIGNATURE, f"{self.chain[0].subject_name} did not make the signature")
        self.valid = True
        return self.chain[0]

    def _refute(self, status: Status, why: str) -> None:
        self.valid = False
        raise _Failed(status, why)


def judge(der: bytes, digest_of: Callable[[str], bytes], now: datetime) -> Verdict:
    """What is to be said of one signature.

    Args:
        der: the PKCS #7 structure.
        digest_of: the image's digest, by hashlib's name of its algorithm.
        now: UTC; what certificates are held against where nothing stamps the signature.
    """
    judging = _Judging(digest_of)
    status, why = Status.GOOD, ""
    try:
        judging.follow(der, now)
    except _Failed as error:
        status, why = error.status, str(error)
    except (MalformedSignature, UnsupportedKey, BadTimestamp, BrokenChain) as error:
        status, why = _status_of(error), str(error)
    # what cannot be read is not valid, what cannot be told is neither
    valid = False if status is Status.MALFORMED and judging.valid is None else judging.valid
    return Verdict(
        status=status,
        why=why,
        valid=valid,
        digest_name=judging.digest_name,
        digest=judging.digest,
        chain=judging.chain,
        stamped=judging.stamped,
        nested=judging.nested,
    )


def _status_of(error: SamplerError) -> Status:
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def _is_for_code(leaf: Certificate) -> bool:
    """Where a certificate says nothing of its use, it is for all (RFC 5280, 4.2.1.12)."""
    return leaf.usages is None or bool({_FOR_CODE, _FOR_ANYTHING} & leaf.usages)
