"""A host's key and signing request (PKCS #10, RFC 2986), made on the host; and the reading of one on the queue.

A request comes from whoever holds an enrolment token, so only two things are taken from it: a public key of an
allowed kind, and the proof that the sender holds its private half. Its names and extensions are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sampler.errors import IdentityError
from sampler.identity.files import private_pem
from sampler.identity.names import UNPARSABLE
from sampler.limits import CSR_MAX_BYTES, RSA_MAX_BITS

HostPublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_RSA_MIN_BITS: Final = 2048
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1)
_ADVICE: Final = "make a new request with: sampler agent enroll"


@dataclass(frozen=True, slots=True)
class KeyAndRequest:
    """A new key, which never leaves the host, and the request that does."""

    key_pem: str = field(repr=False)
    """PKCS #8, not encrypted; to be kept readable by its owner only."""
    csr_pem: str


def make_host_key() -> KeyAndRequest:
    """A new ECDSA P-256 key and a request signed by it; the request carries no name, for the queue gives one."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return KeyAndRequest(private_pem(key), request.public_bytes(Encoding.PEM).decode("ascii"))


def public_key_of(csr_pem: str) -> HostPublicKey:
    """The public key of a request whose sender has proven to hold the private one.

    Raises:
        IdentityError: too long, not a request, a key of a kind or size that is not taken, or a wrong signature.
    """
    request = _parse(csr_pem)
    try:
        key = request.public_key()
        proven = request.is_signature_valid
    except UNPARSABLE as error:
        raise IdentityError(f"the signing request's key cannot be read: {error}; {_ADVICE}") from error
    allowed = _allowed(key)
    if not proven:
        raise IdentityError(f"the signing request's signature is wrong; {_ADVICE}")
    return allowed


def _parse(csr_pem: str) -> x509.CertificateSigningRequest:
    if len(csr_pem) > CSR_MAX_BYTES:
        raise IdentityError(f"the signing request has more than {CSR_MAX_BYTES} characters; {_ADVICE}")
    try:
        return x509.load_pem_x509_csr(csr_pem.encode("ascii"))
    except (*UNPARSABLE, UnsupportedAlgorithm) as error:
        raise IdentityError(f"not a signing request (PKCS #10, PEM): {error}; {_ADVICE}") from error


def _allowed(key: object) -> HostPublicKey:
    match key:
        case ed25519.Ed25519PublicKey():
            return key
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, _CURVES):
            return key
        case rsa.RSAPublicKey() if _RSA_MIN_BITS <= key.key_size <= RSA_MAX_BITS:
            return key
    raise IdentityError(
        f"the signing request's key is not taken: use ECDSA P-256 or P-384, Ed25519, or RSA of {_RSA_MIN_BITS} to "
        f"{RSA_MAX_BITS} bits; {_ADVICE}"
    )
