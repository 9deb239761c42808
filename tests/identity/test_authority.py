"""The authority and what it issues."""

from __future__ import annotations

import ipaddress
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sampler.errors import IdentityError
from sampler.identity import Authority, make_host_key


def _load(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_create_keeps_the_key_private(tmp_path: Path, now: datetime) -> None:
    """The key is readable by its owner only, the certificate by everybody, and nothing else is left in the folder."""
    Authority.create(tmp_path / "ca", "test", now)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "ca").iterdir()}
    assert modes["ca.key"] == 0o600
    assert modes["ca.pem"] & 0o600 == 0o600
    assert set(modes) == {"ca.key", "ca.pem"}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_loaded_is_the_created_one(tmp_path: Path, now: datetime) -> None:
    """A loaded authority has the certificate and the fingerprint of the one that was created."""
    made = Authority.create(tmp_path, "test", now)
    loaded = Authority.load(tmp_path)
    assert loaded.certificate_pem == made.certificate_pem
    assert loaded.fingerprint == made.fingerprint
    assert loaded.fingerprint.startswith("sha256:")
    assert len(loaded.fingerprint) == len("sha256:") + 64


@pytest.mark.parametrize("left", ["ca.key", "ca.pem"])
def test_create_never_overwrites(tmp_path: Path, now: datetime, left: str) -> None:
    """Where a key or a certificate is, no second authority is made and the first stays as it was."""
    (tmp_path / left).write_text("precious")
    with pytest.raises(IdentityError, match=f"{left}: there is an authority already"):
        Authority.create(tmp_path, "test", now)
    assert (tmp_path / left).read_text() == "precious"
    assert [file.name for file in tmp_path.iterdir()] == [left]


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines", "nul\0"])
def test_names_of_authorities_are_checked(tmp_path: Path, now: datetime, name: str) -> None:
    """A name that does not fit a certificate is refused before anything is written."""
    with pytest.raises(IdentityError, match="1 to 64 printable characters"):
        Authority.create(tmp_path / "ca", name, now)
    assert not (tmp_path / "ca").exists()


def test_authority_certificate_allows_nothing_below(tmp_path: Path, now: datetime) -> None:
    """The CA certificate is P-256, path length 0, signs certificates only and carries both key identifiers."""
    certificate = _load(Authority.create(tmp_path, "test", now).certificate_pem)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.digital_signature) == (True, False)
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert own == issuer


def test_server_certificate_names_hosts_and_addresses(issued: Any, now: datetime) -> None:
    """DNS names and addresses stand in subjectAltName, each as its own kind, for server authentication only."""
    pair = issued.authority.issue_server(["Queue.Example.org", "localhost", "127.0.0.1", "::1"], now)
    certificate = _load(pair.certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["queue.example.org", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
    purposes = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert "PRIVATE KEY" in pair.key_pem
    assert "PRIVATE KEY" not in repr(pair)


@pytest.mark.parametrize(
    "name", ["", "a b", "-x.org", "x..org", "*.example.org", "ex\0.org", "é.org", "a." * 127 + "a"]
)
def test_server_names_are_checked(issued: Any, now: datetime, name: str) -> None:
    """What is neither a DNS name nor an address is refused and named."""
    with pytest.raises(IdentityError, match="neither a DNS name"):
        issued.authority.issue_server([name], now)


def test_server_needs_a_name(issued: Any, now: datetime) -> None:
    """A certificate without any name would fit no listener, so there is none."""
    with pytest.raises(IdentityError, match="needs a name"):
        issued.authority.issue_server([], now)


def test_host_certificate_names_the_agent(issued: Any, now: datetime, agent_id: str) -> None:
    """A host certificate has the agent as common name and URI, is for clients only and may not issue."""
    host = make_host_key()
    certificate = _load(issued.authority.issue_host(host.csr_pem, agent_id, now))
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == agent_id
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier(f"urn:sampler:agent:{agent_id}")]
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(_load(issued.authority.certificate_pem))


def test_serials_are_random_and_long(issued: Any, now: datetime) -> None:
    """Serial numbers of certificates differ and, taken together, use more than 128 bits."""
    serials = {_load(issued.authority.issue_server(["a"], now).certificate_pem).serial_number for _ in range(16)}
    assert len(serials) == 16
    assert max(serials).bit_length() > 128


def test_validity_begins_a_little_back_and_ends_with_the_authority(issued: Any, now: datetime, agent_id: str) -> None:
    """A host clock a few minutes behind is no obstacle, and nothing outlives its issuer."""
    csr = make_host_key().csr_pem
    authority = _load(issued.authority.certificate_pem)
    short = _load(issued.authority.issue_host(csr, agent_id, now + timedelta(days=1), days=7))
    assert short.not_valid_before_utc < now + timedelta(days=1) - timedelta(minutes=4)
    assert short.not_valid_after_utc == (now + timedelta(days=8)).replace(microsecond=0)
    long = _load(issued.authority.issue_host(csr, agent_id, now, days=100_000))
    assert long.not_valid_after_utc == authority.not_valid_after_utc


def test_expired_authority_issues_nothing(issued: Any, now: datetime, agent_id: str) -> None:
    """After its end, and before its beginning, an authority refuses with its file's name."""
    with pytest.raises(IdentityError, match=r"ca\.pem: expired on"):
        issued.authority.issue_host(make_host_key().csr_pem, agent_id, now + timedelta(days=3651))
    with pytest.raises(IdentityError, match=r"ca\.pem: not valid before"):
        issued.authority.issue_server(["a"], now - timedelta(days=1))


@pytest.mark.parametrize(
    "bad", ["", "x", "0B8F9C1E-5A55-4C0B-9A2F-3F4F5A6B7C8D", "0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8d\n"]
)
def test_agent_id_must_be_a_uuid(issued: Any, now: datetime, bad: str) -> None:
    """Only a UUID in lower case becomes a host's name."""
    with pytest.raises(IdentityError, match="UUID in lower case"):
        issued.authority.issue_host(make_host_key().csr_pem, bad, now)


def test_days_must_be_positive(issued: Any, now: datetime, agent_id: str) -> None:
    """A certificate that has ended before it begins is refused."""
    with pytest.raises(IdentityError, match="one day at least"):
        issued.authority.issue_host(make_host_key().csr_pem, agent_id, now, days=0)


def test_load_refuses_a_key_that_others_can_read(issued: Any) -> None:
    """The error names the file and the command that mends it."""
    issued.ca_key.chmod(0o640)
    with pytest.raises(IdentityError, match=rf"chmod 600 {issued.ca_key}"):
        Authority.load(issued.ca.parent)


def test_load_refuses_another_keys_certificate(issued: Any, issue: Any) -> None:
    """A certificate put beside another authority's key is noticed."""
    issued.ca.write_bytes(issue("second").ca.read_bytes())
    with pytest.raises(IdentityError, match=r"ca\.pem: belongs to another key"):
        Authority.load(issued.ca.parent)


def test_load_refuses_what_is_no_authority(issued: Any) -> None:
    """A server's pair under an authority's file names does not become one."""
    issued.ca.write_bytes(issued.server.read_bytes())
    issued.ca_key.write_bytes(issued.server_key.read_bytes())
    with pytest.raises(IdentityError, match="not the certificate of an authority"):
        Authority.load(issued.ca.parent)
