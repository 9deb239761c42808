"""Host keys and signing requests, hostile ones among them."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import IdentityError
from sampler.identity import make_host_key
from sampler.identity.requests import public_key_of
from sampler.limits import CSR_MAX_BYTES


def _request(key: Any, name: str = "x") -> x509.CertificateSigningRequest:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, algorithm)


def _pem(request: x509.CertificateSigningRequest) -> str:
    return request.public_bytes(Encoding.PEM).decode()


def _armor(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE REQUEST-----\n"


def test_host_key_fits_its_request() -> None:
    """The request is signed by the new key, which is P-256 and does not show in a log."""
    made = make_host_key()
    key = serialization.load_pem_private_key(made.key_pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert public_key_of(made.csr_pem) == key.public_key()
    assert "PRIVATE KEY" not in repr(made)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["P-256", "P-384", "RSA-2048", "Ed25519"],
)
def test_allowed_keys_get_a_certificate(issued: Any, now: Any, agent_id: str, make: Any) -> None:
    """Each allowed kind of key is taken and ends up in the certificate."""
    key = make()
    certificate = issued.authority.issue_host(_pem(_request(key)), agent_id, now)
    assert x509.load_pem_x509_certificate(certificate.encode()).public_key() == key.public_key()


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: dsa.generate_private_key(2048),
        ed448.Ed448PrivateKey.generate,
    ],
    ids=["RSA-1024", "secp256k1", "P-521", "DSA", "Ed448"],
)
def test_other_keys_are_refused(make: Any) -> None:
    """A weak or unusual key is refused with what would be right."""
    with pytest.raises(IdentityError, match="use ECDSA P-256"):
        public_key_of(_pem(_request(make())))


def test_wrong_signature_is_refused() -> None:
    """Nobody gets a certificate for a key that they do not hold."""
    der = bytearray(_request(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER))
    position = der.index(b"x", 10)
    der[position] = ord("y")
    with pytest.raises(IdentityError, match="signature is wrong"):
        public_key_of(_armor(bytes(der)))


def test_names_and_extensions_of_a_request_are_ignored(issued: Any, now: Any, agent_id: str) -> None:
    """A request that asks to be an authority called something else becomes an ordinary host."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "queue.example.org")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("queue.example.org")]), False)
        .sign(key, hashes.SHA256())
    )
    certificate = x509.load_pem_x509_certificate(issued.authority.issue_host(_pem(request), agent_id, now).encode())
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == []
    assert "example" not in certificate.subject.rfc4514_string()


@pytest.mark.parametrize("text", ["", "hello", "é", "\0", _armor(b""), _armor(b"\x30\x80"), _armor(b"\xff" * 500)])
def test_garbage_is_refused(text: str) -> None:
    """What is no request is refused in words, whatever the parser thinks of it."""
    with pytest.raises(IdentityError, match="not a signing request"):
        public_key_of(text)


def test_long_requests_are_not_parsed() -> None:
    """A valid request with too much around it is refused by its length alone."""
    csr = make_host_key().csr_pem
    with pytest.raises(IdentityError, match="more than 16384 characters"):
        public_key_of(csr + "\n" * CSR_MAX_BYTES)


_DER = _request(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)


@given(st.integers(0, len(_DER) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_requests_never_raise_anything_else(position: int, damage: bytes) -> None:
    """A request changed in any place is refused as an identity error, or still proves possession of its key."""
    der = _DER[:position] + damage + _DER[position + len(damage) :]
    key = None
    with contextlib.suppress(IdentityError):
        key = public_key_of(_armor(der))
    if key is not None:
        assert x509.load_der_x509_csr(der).is_signature_valid
        assert key == x509.load_der_x509_csr(der).public_key()
