"""Keys and certificates as files: read with a ceiling, checked before anything uses them, written privately.

Every error names the file, what is wrong with it and what to do.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sampler.errors import IdentityError
from sampler.identity.names import UNPARSABLE
from sampler.limits import PEM_MAX_BYTES

_OTHERS: Final = 0o077


def private_pem(key: CertificateIssuerPrivateKeyTypes) -> str:
    """A private key as PKCS #8, PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def read_private_key(path: Path) -> PrivateKeyTypes:
    """A private key that nobody but its owner can read.

    Raises:
        IdentityError: absent, readable by others, encrypted, or not a key.
    """
    data = _read(path, private=True)
    try:
        return load_pem_private_key(data, None)
    except TypeError as error:
        raise IdentityError(f"{path}: the key is encrypted; keep it unencrypted with mode 0600") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IdentityError(f"{path}: not a private key in PEM; restore it from a backup or make a new one") from error


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in its order; at least one.

    Raises:
        IdentityError: absent, too large, or not certificates.
    """
    data = _read(path, private=False)
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except UNPARSABLE as error:
        raise IdentityError(f"{path}: not a certificate in PEM; restore it or have a new one issued") from error


def check_time(path: Path, certificate: x509.Certificate, now: datetime, advice: str) -> None:
    """Refuse a certificate outside its time.

    Raises:
        IdentityError: it has expired or is not valid yet.
    """
    if now > certificate.not_valid_after_utc:
        raise IdentityError(f"{path}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; {advice}")
    if now < certificate.not_valid_before_utc:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise IdentityError(f"{path}: not valid before {begins}, and it is {now:%Y-%m-%d %H:%M}; set this clock right")


def check_pair(path: Path, certificate: x509.Certificate, key_path: Path, key: PrivateKeyTypes) -> None:
    """Refuse a certificate that was not issued for this key.

    Raises:
        IdentityError: it belongs to another key.
    """
    encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*encoding) != key.public_key().public_bytes(*encoding):
        raise IdentityError(f"{path}: belongs to another key than {key_path}; put the two back that were made together")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue certificates (RFC 5280, section 4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNPARSABLE):
        return False


def _read(path: Path, *, private: bool) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check_kind(path, os.fstat(descriptor), private=private)
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(PEM_MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise IdentityError(f"{path}: there is no such file; name another one or create it") from error
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read: {error.strerror}; check who owns it") from error
    if len(data) > PEM_MAX_BYTES:
        raise IdentityError(f"{path}: larger than {PEM_MAX_BYTES} bytes, so neither a key nor a certificate")
    return data


def _check_kind(path: Path, found: os.stat_result, *, private: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise IdentityError(f"{path}: not a regular file; name the file that holds the PEM text")
    if private and found.st_mode & _OTHERS:
        raise IdentityError(f"{path}: other users can read this key; run: chmod 600 {path}")
