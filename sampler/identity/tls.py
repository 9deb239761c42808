"""The four TLS contexts: two listeners of the queue, and the host's and the person's side of them.

All of them speak TLS 1.3 (RFC 8446) only and verify by OpenSSL's strict rules. Servers issue no session tickets, for
a resumed session would outlive a revoked certificate. Files are checked before OpenSSL sees them, because its own
words name neither the file nor the remedy.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from sampler.errors import IdentityError
from sampler.identity.files import check_pair, check_time, is_authority, read_certificates, read_private_key
from sampler.identity.names import UNPARSABLE
from sampler.runtime.clock import SystemClock

_NEW_SERVER: Final = "have the authority issue a new server certificate"
_NEW_HOST: Final = "enrol this host again with: sampler agent enroll"
_NEW_CA: Final = "fetch the queue's CA certificate again and compare its fingerprint"


def hosts_server_context(certificate: Path, key: Path, ca: Path, *, now: datetime | None = None) -> ssl.SSLContext:
    """The listener for hosts: whoever has no certificate of this authority does not get through the handshake.

    Raises:
        IdentityError: a file is absent, damaged, outside its time, or belongs to something else.
    """
    moment = _or_clock(now)
    context = _server_context(certificate, key, moment)
    context.verify_mode = ssl.CERT_REQUIRED
    _trust(context, ca, moment)
    return context


def people_server_context(certificate: Path, key: Path, *, now: datetime | None = None) -> ssl.SSLContext:
    """The listener for people and workers, who show a bearer token instead of a certificate.

    Raises:
        IdentityError: a file is absent, damaged, outside its time, or belongs to something else.
    """
    return _server_context(certificate, key, _or_clock(now))


def host_client_context(ca: Path, certificate: Path, key: Path, *, now: datetime | None = None) -> ssl.SSLContext:
    """A host's side: it trusts this authority only and shows the certificate that the same authority issued.

    Raises:
        IdentityError: a file is absent, damaged, outside its time, or belongs to something else.
    """
    moment = _or_clock(now)
    context = _client_context(ca, moment)
    leaf = _load_pair(context, certificate, key, moment, _NEW_HOST)
    _check_purpose(certificate, leaf, ExtendedKeyUsageOID.CLIENT_AUTH, _NEW_HOST)
    if not any(_issued_by(leaf, authority) for authority in read_certificates(ca)):
        raise IdentityError(f"{certificate}: was not issued by the authority in {ca}; {_NEW_HOST}")
    return context


def people_client_context(ca: Path, *, now: datetime | None = None) -> ssl.SSLContext:
    """A person's or worker's side: it trusts this authority only.

    Raises:
        IdentityError: the file is absent, damaged, outside its time, or not an authority's.
    """
    return _client_context(ca, _or_clock(now))


def _or_clock(now: datetime | None) -> datetime:
    return SystemClock().now() if now is None else now


def _server_context(certificate: Path, key: Path, now: datetime) -> ssl.SSLContext:
    context = _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.num_tickets = 0
    leaf = _load_pair(context, certificate, key, now, _NEW_SERVER)
    _check_purpose(certificate, leaf, ExtendedKeyUsageOID.SERVER_AUTH, _NEW_SERVER)
    return context


def _client_context(ca: Path, now: datetime) -> ssl.SSLContext:
    context = _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    _trust(context, ca, now)
    return context


def _strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust(context: ssl.SSLContext, ca: Path, now: datetime) -> None:
    """Trust a file's authorities; a bundle may hold outdated ones as long as one is usable."""
    authorities = read_certificates(ca)
    faults: list[IdentityError] = []
    for authority in authorities:
        try:
            _check_authority(ca, authority, now)
        except IdentityError as fault:
            faults.append(fault)
    if len(faults) == len(authorities):
        raise faults[0]
    context.load_verify_locations(cadata="".join(_pem(authority) for authority in authorities))


def _check_authority(path: Path, authority: x509.Certificate, now: datetime) -> None:
    if not is_authority(authority):
        raise IdentityError(f"{path}: not the certificate of an authority; {_NEW_CA}")
    check_time(path, authority, now, _NEW_CA)


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path, now: datetime, advice: str) -> x509.Certificate:
    leaf = read_certificates(certificate)[0]
    check_pair(certificate, leaf, key, read_private_key(key))
    check_time(certificate, leaf, now, advice)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise IdentityError(f"{certificate}: OpenSSL does not take it with {key}: {error}; {advice}") from error
    return leaf


def _check_purpose(path: Path, leaf: x509.Certificate, purpose: x509.ObjectIdentifier, advice: str) -> None:
    """Extended key usage (RFC 5280, section 4.2.1.12); a certificate without one may be used for anything."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    except UNPARSABLE as error:
        raise IdentityError(f"{path}: its extensions cannot be read: {error}; {advice}") from error
    if purpose not in usage:
        raise IdentityError(f"{path}: was issued for another purpose than {purpose._name}; {advice}")


def _issued_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")
