"""The queue's own certificate authority: one ECDSA P-256 key that issues server and host certificates, and nothing
below them.

What it issues follows RFC 5280 closely enough for OpenSSL's strict checks (``VERIFY_X509_STRICT``): key usage, basic
constraints, and both key identifiers are always there. Subjects, names and extensions are the authority's own; a
request contributes its public key only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sampler.errors import IdentityError
from sampler.identity.files import (
    check_pair,
    check_time,
    is_authority,
    private_pem,
    read_certificates,
    read_private_key,
)
from sampler.identity.names import AGENT_URN, is_agent_id
from sampler.identity.requests import HostPublicKey, public_key_of
from sampler.runtime.durable import make_private_folder, write_durably

KEY_FILE: Final = "ca.key"
CERTIFICATE_FILE: Final = "ca.pem"

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=825)
BACKDATE: Final = timedelta(minutes=5)
"""How far back validity begins, for hosts whose clock is a little behind."""

_NAME_MAX_CHARACTERS: Final = 64
"""Of a common name (RFC 5280, appendix A.1, ub-common-name)."""
_DNS_MAX_CHARACTERS: Final = 253
_DNS_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_NEW_CA: Final = "make a new authority in another folder with: sampler queue init"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate for it."""

    key_pem: str = field(repr=False)
    """PKCS #8, not encrypted; to be kept readable by its owner only."""
    certificate_pem: str


class Authority:
    """A loaded authority. Make one with ``create`` or ``load``."""

    def __init__(self, folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._folder = folder
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, folder: Path, name: str, now: datetime) -> Self:
        """Make a new authority in ``folder``: ``ca.key`` (0600) and ``ca.pem``.

        Raises:
            IdentityError: one is there already, or the name has not 1 to 64 printable characters.
            OSError: the files cannot be written.
        """
        if not 1 <= len(name) <= _NAME_MAX_CHARACTERS or not name.isprintable():
            raise IdentityError(f"an authority's name has 1 to {_NAME_MAX_CHARACTERS} printable characters: {name!r}")
        for file in (folder / KEY_FILE, folder / CERTIFICATE_FILE):
            if file.exists() or file.is_symlink():
                raise IdentityError(f"{file}: there is an authority already and it is not overwritten; {_NEW_CA}")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key, name, now)
        make_private_folder(folder)
        write_durably(folder / KEY_FILE, private_pem(key).encode("ascii"))
        write_durably(folder / CERTIFICATE_FILE, certificate.public_bytes(Encoding.PEM), mode=0o644)
        return cls(folder, key, certificate)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read an authority that ``create`` made.

        Raises:
            IdentityError: a file is absent, damaged, not an authority's, or its key can be read by others.
        """
        key = read_private_key(folder / KEY_FILE)
        certificate = read_certificates(folder / CERTIFICATE_FILE)[0]
        check_pair(folder / CERTIFICATE_FILE, certificate, folder / KEY_FILE, key)
        if not is_authority(certificate) or not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"{folder / CERTIFICATE_FILE}: not the certificate of an authority; {_NEW_CA}")
        return cls(folder, key, certificate)

    @property
    def certificate_pem(self) -> str:
        """The authority's certificate, which everybody may have."""
        return _pem(self._certificate)

    @property
    def fingerprint(self) -> str:
        """``sha256:`` and the SHA-256 of the certificate's DER, for people to compare."""
        return f"sha256:{self._certificate.fingerprint(hashes.SHA256()).hex()}"

    def issue_server(self, names: Sequence[str], now: datetime) -> KeyPair:
        """A new key and a certificate for the queue's listeners under these DNS names and IP addresses.

        Raises:
            IdentityError: no name, one that is neither a DNS name nor an address, or the authority has expired.
        """
        if not names:
            raise IdentityError("a server needs a name: give the DNS names and addresses that it is reached under")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder("Sampler queue", key.public_key(), now, SERVER_LIFE)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        return KeyPair(private_pem(key), _pem(builder.sign(self._key, hashes.SHA256())))

    def issue_host(self, csr_pem: str, agent_id: str, now: datetime, *, days: int = 365) -> str:
        """A certificate (PEM) that names a host as ``urn:sampler:agent:<agent_id>``.

        Args:
            csr_pem: the host's signing request; only its public key is taken.
            agent_id: UUID, lower case.
            now: UTC.
            days: how long it is valid, at most as long as the authority.

        Raises:
            IdentityError: the request is not acceptable, ``agent_id`` is not a UUID, or the authority has expired.
        """
        if not is_agent_id(agent_id):
            raise IdentityError(f"an agent id is a UUID in lower case, not {agent_id!r}")
        if days < 1:
            raise IdentityError(f"a certificate is valid for one day at least, not {days}")
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(AGENT_URN + agent_id)])
        builder = self._builder(agent_id, public_key_of(csr_pem), now, timedelta(days=days))
        builder = builder.add_extension(names, False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        return _pem(builder.sign(self._key, hashes.SHA256()))

    def _builder(self, name: str, key: HostPublicKey, now: datetime, life: timedelta) -> x509.CertificateBuilder:
        check_time(self._folder / CERTIFICATE_FILE, self._certificate, now, _NEW_CA)
        ends = min(now + life, self._certificate.not_valid_after_utc)
        own_key = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_key)
        return (
            x509.CertificateBuilder(self._certificate.subject, _name(name), key, x509.random_serial_number())
            .not_valid_before(max(now - BACKDATE, self._certificate.not_valid_before_utc))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(_key_usage(signs_certificates=False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
            .add_extension(authority_key, False)
        )


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str, now: datetime) -> x509.Certificate:
    own_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder(_name(name), _name(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_key_usage(signs_certificates=True), True)
        .add_extension(own_key, False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_key), False)
        .sign(key, hashes.SHA256())
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """RFC 5280, section 4.2.1.3: an authority signs certificates and nothing else, a holder signs handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        lower = name.lower()
    if len(lower) > _DNS_MAX_CHARACTERS or not _DNS_NAME.fullmatch(lower):
        raise IdentityError(f"neither a DNS name (letters, digits, hyphens, dots) nor an IP address: {name!r}")
    return x509.DNSName(lower)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")
