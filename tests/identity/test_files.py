"""Keys and certificates as files."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from sampler.errors import IdentityError
from sampler.identity.files import check_time, read_certificates, read_private_key
from sampler.limits import PEM_MAX_BYTES


def _private(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666])
def test_a_key_that_others_can_reach_is_refused(issued: Any, mode: int) -> None:
    """Whoever else may read or write a key, the error names the file and the command that mends it."""
    issued.host_key.chmod(mode)
    with pytest.raises(IdentityError, match=rf"{issued.host_key}: other users .*chmod 600 {issued.host_key}"):
        read_private_key(issued.host_key)


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path) -> None:
    """A service has nobody to ask for a passphrase, so it says that the key is encrypted."""
    key = ec.generate_private_key(ec.SECP256R1())
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(IdentityError, match="encrypted"):
        read_private_key(_private(tmp_path / "key", data))


@pytest.mark.parametrize("data", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_told(tmp_path: Path, data: bytes) -> None:
    """A damaged key names its file."""
    with pytest.raises(IdentityError, match=f"{tmp_path / 'key'}: not a private key"):
        read_private_key(_private(tmp_path / "key", data))


@pytest.mark.parametrize("data", [b"", b"\0", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_told(tmp_path: Path, data: bytes) -> None:
    """A damaged certificate names its file."""
    (tmp_path / "pem").write_bytes(data)
    with pytest.raises(IdentityError, match=f"{tmp_path / 'pem'}: not a certificate"):
        read_certificates(tmp_path / "pem")


def test_absent_files_are_named(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(IdentityError, match=f"{tmp_path / 'no'}: there is no such file"):
        read_private_key(tmp_path / "no")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A folder or a FIFO in a file's place is refused at once, without waiting for a writer."""
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(IdentityError, match="not a regular file"):
        read_private_key(tmp_path / "fifo")
    with pytest.raises(IdentityError, match="not a regular file"):
        read_certificates(tmp_path)


def test_reading_has_a_ceiling(tmp_path: Path) -> None:
    """A file that is too large for a certificate is not parsed."""
    (tmp_path / "pem").write_bytes(b"\n" * (PEM_MAX_BYTES + 1))
    with pytest.raises(IdentityError, match="larger than"):
        read_certificates(tmp_path / "pem")


def test_bundles_keep_their_order(issued: Any, tmp_path: Path) -> None:
    """A file may hold several certificates; they come in its order."""
    (tmp_path / "bundle").write_bytes(issued.host.read_bytes() + issued.ca.read_bytes())
    read = read_certificates(tmp_path / "bundle")
    assert [c.extensions.get_extension_for_class(x509.BasicConstraints).value.ca for c in read] == [False, True]


def test_time_is_told_in_words(issued: Any, now: datetime) -> None:
    """Outside its time a certificate is refused with the moment and with what to do; inside it is taken."""
    certificate = read_certificates(issued.host)[0]
    check_time(issued.host, certificate, now, "do this")
    ended = f"{now + timedelta(days=365):%Y-%m-%d %H:%M}"
    with pytest.raises(IdentityError, match=rf"{issued.host}: expired on {ended} UTC; do this"):
        check_time(issued.host, certificate, now + timedelta(days=366), "do this")
    with pytest.raises(IdentityError, match=r"not valid before .* set this clock right"):
        check_time(issued.host, certificate, now - timedelta(hours=1), "do this")
