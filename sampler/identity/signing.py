"""Ed25519 keys that sign documents, and their signatures (RFC 8032).

What is signed is never a document alone but its context as well, so that a signature over one kind of document is none
over another: ``DSSEv1 <length> <context> <length> <document>``, the pre-authentication encoding of DSSE 1.0.0
(protocol.md, "Signature Definition").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sampler.errors import IdentityError
from sampler.identity.files import private_pem, read_private_key
from sampler.runtime.durable import write_durably

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signed: checks signatures."""

    raw: bytes
    """32 bytes (RFC 8032, section 5.1.5)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key that ``str()`` wrote: base64 (RFC 4648, section 4).

        Raises:
            IdentityError: it is none.
        """
        try:
            raw = base64.b64decode(text.strip(), validate=True)
            Ed25519PublicKey.from_public_bytes(raw)
        except (ValueError, binascii.Error) as error:
            raise IdentityError(f"{text[:80]!r} is not a public key: 44 characters of base64 are needed") from error
        return cls(raw)

    def __str__(self) -> str:
        return base64.b64encode(self.raw).decode("ascii")

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of its SHA-256: names it, and proves nothing."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def has_signed(self, context: str, document: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the document in this context."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, _encoded(context, document))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, kept as PKCS #8 PEM that nobody but its owner can read."""

    _key: Ed25519PrivateKey

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new key in a file of its own, durable when this returns.

        Raises:
            IdentityError: there is a file already, or it cannot be written.
        """
        if path.exists():
            raise IdentityError(f"{path}: there is a key already and it is not overwritten; name another file")
        key = Ed25519PrivateKey.generate()
        try:
            write_durably(path, private_pem(key).encode("ascii"))
        except OSError as error:
            raise IdentityError(f"{path}: cannot be written: {error.strerror}") from error
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The key of a file.

        Raises:
            IdentityError: absent, readable by others, or of another kind.
        """
        key = read_private_key(path)
        if not isinstance(key, Ed25519PrivateKey):
            raise IdentityError(f"{path}: not an Ed25519 key; make one anew")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """What others check its signatures with."""
        return PublicKey(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, context: str, document: bytes) -> bytes:
        """64 bytes over the document in this context."""
        return self._key.sign(_encoded(context, document))


def _encoded(context: str, document: bytes) -> bytes:
    name = context.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(document), document)
