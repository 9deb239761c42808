"""What a certificate says of its holder. Whoever calls this has verified the certificate before."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sampler.errors import IdentityError
from sampler.wire.routes import UUID

AGENT_URN: Final = "urn:sampler:agent:"
"""Prefix of the one URI (RFC 8141) in a host certificate's subjectAltName (RFC 5280, section 4.2.1.6)."""

UNPARSABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""Everything that the parser raises on a certificate or request that it cannot read."""

_UUID: Final = re.compile(UUID, re.ASCII)


def is_agent_id(text: str) -> bool:
    """Whether it is a UUID in lower case, as every agent id is."""
    return _UUID.fullmatch(text) is not None


def agent_id_of(certificate_der: bytes) -> str:
    """The agent id that a host certificate names.

    Raises:
        IdentityError: it is not a certificate, or does not name exactly one agent.
    """
    ids = [uri.removeprefix(AGENT_URN) for uri in _uris(_parse(certificate_der)) if uri.startswith(AGENT_URN)]
    if len(ids) != 1 or not is_agent_id(ids[0]):
        raise IdentityError("the certificate does not name exactly one agent; enrol the host: sampler agent enroll")
    return ids[0]


def serial_of(certificate_der: bytes) -> str:
    """A certificate's serial number, lower-case hexadecimal without leading zeros.

    Raises:
        IdentityError: it is not a certificate.
    """
    return format(_parse(certificate_der).serial_number, "x")


def expiry_of(certificate_der: bytes) -> datetime:
    """The last moment, UTC, at which a certificate is valid.

    Raises:
        IdentityError: it is not a certificate.
    """
    return _parse(certificate_der).not_valid_after_utc


def _parse(certificate_der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate_der)
    except UNPARSABLE as error:
        raise IdentityError(f"not a certificate: {error}") from error


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    except UNPARSABLE as error:
        raise IdentityError(f"the certificate's extensions cannot be read: {error}") from error
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)
