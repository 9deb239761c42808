"""Signed programs made from nothing: authorities, certificates, signatures and time stamps, sound or wrong on purpose.

DER is written by a few lines of its own and signatures by ``cryptography``: neither is what reads them in ``describe``.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
CODE: Final = ExtendedKeyUsageOID.CODE_SIGNING
STAMPING: Final = ExtendedKeyUsageOID.TIME_STAMPING
_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
}
_DIGESTS: Final = {
    "md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
}  # fmt: skip
_CERTIFICATE_ROW: Final = 64 + 24 + 112 + 32
_IMAGE_BYTES: Final = 1024

Key: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        """The certificate's."""
        return self.certificate.public_bytes(Encoding.DER)


@functools.cache
def key(kind: str = "rsa", number: int = 0) -> Key:
    """A key; the same for the same arguments, since making one takes long."""
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def issue(  # a test names what it needs
    name: str,
    issuer: Identity | None = None,
    *,
    own_key: Key | None = None,
    usages: Iterable[x509.ObjectIdentifier] = (CODE,),
    since: datetime = NOW - timedelta(days=100),
    until: datetime = NOW + timedelta(days=100),
    authority: bool = False,
) -> Identity:
    """A certificate, by default for signing code and valid now; its own issuer where none is given."""
    own = own_key or key("rsa", len(name))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) | 1)
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    return Identity(builder.sign(issuer.key if issuer else own, hashes.SHA256()), own)


def program(filling: bytes = b"\x90") -> bytes:
    """An unsigned PE32+ of one section, whose checksum and data directories are there and empty."""
    optional = struct.pack("<H66xH38xI128x", 0x20B, 3, 16)
    header = struct.pack("<4sHH12xHH", b"PE\0\0", 0x8664, 1, len(optional), 0x22)
    row = struct.pack("<8sIIII16x", b".text", 512, 0x1000, 512, 512)
    head = struct.pack("<2s58xI", b"MZ", 64) + header + optional + row
    return head.ljust(512, b"\0") + filling * 512


def image_digest(image: bytes, algorithm: str = "sha256") -> bytes:
    """Of an unsigned program, whose length is a multiple of eight."""
    checksum = 64 + 24 + 64
    hashed = image[:checksum] + image[checksum + 4 : _CERTIFICATE_ROW] + image[_CERTIFICATE_ROW + 8 :]
    return hashlib.new(algorithm, hashed, usedforsecurity=False).digest()


def attach(image: bytes, *signatures: bytes, length: int | None = None) -> bytes:
    """The program with a certificate table behind it; ``length`` is what the first entry says of itself."""
    table = b""
    for signature in signatures:
        said = len(signature) + 8 if length is None or table else length
        table += (struct.pack("<IHH", said, 0x200, 2) + signature).ljust(
            len(signature) + 8 + -len(signature) % 8, b"\0"
        )
    row = struct.pack("<II", len(image), len(table))
    return image[:_CERTIFICATE_ROW] + row + image[_CERTIFICATE_ROW + 8 :] + table


def sign(
    signer: Identity,
    content: bytes,
    *,
    content_type: str = "1.3.6.1.4.1.311.2.1.4",
    algorithm: str = "sha256",
    certificates: Iterable[Identity] = (),
    unsigned: Iterable[tuple[str, bytes]] = (),
    stamped_by: Identity | None = None,
    stamped: datetime = NOW,
    without: str = "",
    brings_own: bool = True,
) -> bytes:
    """A ContentInfo with a SignedData.

    Args:
        signer: who signs.
        content: the value that is signed.
        content_type: what it says it is.
        algorithm: of the digests.
        certificates: what the file brings beside the signer's.
        unsigned: attributes that nobody signs.
        stamped_by: whose RFC 3161 token is added.
        stamped: the time in that token.
        without: the signed attribute that is left out.
        brings_own: whether the signer's certificate is in the file.
    """
    info, signature = _signer_info(signer, _contents(content), content_type, algorithm, without)
    attributes = list(unsigned)
    if stamped_by is not None:
        attributes.append(("1.3.6.1.4.1.311.3.3.1", token(stamped_by, signature, stamped, certificates)))
    if attributes:
        info += tlv(0xA1, *(_attribute(name, value) for name, value in attributes))
    body = tlv(
        0x30,
        tlv(0x02, b"\1"),
        tlv(0x31, _algorithm(_DIGESTS[algorithm])),
        tlv(0x30, _oid(content_type), tlv(0xA0, content)),
        tlv(0xA0, *(each.der for each in ((signer,) if brings_own else ()) + tuple(certificates))),
        tlv(0x31, tlv(0x30, info)),
    )
    return tlv(0x30, _oid("1.2.840.113549.1.7.2"), tlv(0xA0, body))


def indirect_data(digest: bytes, algorithm: str = "sha256") -> bytes:
    """A SpcIndirectDataContent."""
    kind = tlv(0x30, _oid("1.3.6.1.4.1.311.2.1.15"))
    return tlv(0x30, kind, tlv(0x30, _algorithm(_DIGESTS[algorithm]), tlv(0x04, digest)))


def token(authority: Identity, stamped: bytes, time: datetime, certificates: Iterable[Identity] = ()) -> bytes:
    """An RFC 3161 token over a signature."""
    imprint = tlv(0x30, _algorithm(_DIGESTS["sha256"]), tlv(0x04, hashlib.sha256(stamped).digest()))
    moment = tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").encode())
    info = tlv(0x30, tlv(0x02, b"\1"), _oid("1.2.3.4"), imprint, tlv(0x02, b"\7"), moment)
    return sign(authority, tlv(0x04, info), content_type="1.2.840.113549.1.9.16.1.4", certificates=tuple(certificates))


def counter_signature(authority: Identity, stamped: bytes, time: datetime) -> bytes:
    """A SignerInfo over a signature, as before there was RFC 3161."""
    moment = tlv(0x17, time.strftime("%y%m%d%H%M%SZ").encode())
    more = (("1.2.840.113549.1.9.5", moment),)
    return tlv(0x30, _signer_info(authority, stamped, "1.2.840.113549.1.7.1", "sha256", "", more)[0])


def signature_of(signer: Identity, content: bytes) -> bytes:
    """The bytes of the signature that ``sign`` makes over the content."""
    return _signer_info(signer, _contents(content), "1.3.6.1.4.1.311.2.1.4", "sha256", "")[1]


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER value (X.690, 8.1)."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def _signer_info(  # noqa: PLR0917  # all of it varies
    signer: Identity,
    content: bytes,
    content_type: str,
    algorithm: str,
    without: str,
    more: Iterable[tuple[str, bytes]] = (),
) -> tuple[bytes, bytes]:
    """A SignerInfo's contents up to the signature, and the signature."""
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    attributes = {"1.2.840.113549.1.9.3": _oid(content_type), "1.2.840.113549.1.9.4": tlv(0x04, digest), **dict(more)}
    attributes.pop(without, None)
    signed = b"".join(_attribute(name, value) for name, value in attributes.items())
    signature = _sign(signer.key, tlv(0x31, signed), algorithm)
    issuer = signer.certificate.issuer.public_bytes()
    serial = signer.certificate.serial_number
    by = tlv(0x30, issuer, tlv(0x02, serial.to_bytes(serial.bit_length() // 8 + 1)))
    kind = "1.2.840.113549.1.1.1" if isinstance(signer.key, rsa.RSAPrivateKey) else "1.2.840.10045.4.3.2"
    head = tlv(0x02, b"\1") + by + _algorithm(_DIGESTS[algorithm]) + tlv(0xA0, signed) + _algorithm(kind)
    return head + tlv(0x04, signature), signature


def _sign(own: Key, message: bytes, algorithm: str) -> bytes:
    if isinstance(own, rsa.RSAPrivateKey):
        return own.sign(message, padding.PKCS1v15(), _HASHES[algorithm]())
    return own.sign(message, ec.ECDSA(_HASHES[algorithm]()))


def _attribute(name: str, value: bytes) -> bytes:
    return tlv(0x30, _oid(name), tlv(0x31, value))


def _algorithm(name: str) -> bytes:
    return tlv(0x30, _oid(name), tlv(0x05))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    return tlv(0x06, *(_base128(number) for number in (40 * first + second, *rest)))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | number & 0x7F)
    return bytes(reversed(groups))


def _contents(der: bytes) -> bytes:
    """One value without its tag and length."""
    return der[2:] if der[1] < 0x80 else der[2 + (der[1] & 0x7F) :]
