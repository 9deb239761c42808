"""What is read from certificates."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from sampler.errors import IdentityError
from sampler.identity import agent_id_of, expiry_of, serial_of

URN = "urn:sampler:agent:"


def _certificate(names: Sequence[x509.GeneralName] | None, now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 0x0ABC)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_host_certificate_is_read_back(issued: Any, agent_id: str, now: datetime) -> None:
    """Agent, serial and expiry of an issued certificate are those it was issued with."""
    certificate = x509.load_pem_x509_certificate(issued.host.read_bytes())
    der = ssl.PEM_cert_to_DER_cert(issued.host.read_text())
    assert agent_id_of(der) == agent_id
    assert int(serial_of(der), 16) == certificate.serial_number
    assert expiry_of(der) == (now + timedelta(days=365)).replace(microsecond=0)


def test_serial_has_one_spelling(now: datetime) -> None:
    """Serial numbers are lower case without leading zeros, so that they compare as text."""
    assert serial_of(_certificate(None, now)) == "abc"


@pytest.mark.parametrize(
    "uris",
    [
        [],
        [URN],
        [URN + "0B8F9C1E-5A55-4C0B-9A2F-3F4F5A6B7C8D"],
        [URN + "0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8d/x"],
        ["https://0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8d"],
        [URN + "0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8d", URN + "0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8e"],
    ],
)
def test_a_certificate_names_exactly_one_agent(uris: list[str], now: datetime) -> None:
    """No name, a name of another shape, or two of them are no agent."""
    with pytest.raises(IdentityError, match="exactly one agent"):
        agent_id_of(_certificate([x509.UniformResourceIdentifier(uri) for uri in uris], now))


def test_no_names_at_all_is_no_agent(issued: Any, now: datetime) -> None:
    """A certificate without subjectAltName, and a server's, name no agent."""
    for der in (_certificate(None, now), ssl.PEM_cert_to_DER_cert(issued.server.read_text())):
        with pytest.raises(IdentityError, match="exactly one agent"):
            agent_id_of(der)


@pytest.mark.parametrize("read", [agent_id_of, serial_of, expiry_of])
@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"\xff" * 300])
def test_garbage_is_no_certificate(read: Any, der: bytes) -> None:
    """Bytes that are no certificate are told so."""
    with pytest.raises(IdentityError, match="not a certificate"):
        read(der)
