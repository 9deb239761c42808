"""Files that are encrypted at rest, in chunks, so that a part can be read without the rest.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", CRYPTO 2015, section 7) over AES-256-GCM (NIST SP 800-38D): each file has a key of its own, derived
by HKDF-SHA-256 (RFC 5869) from the host's key and a random salt; a chunk's nonce is its number and whether it is the
last, so that chunks cannot be exchanged, repeated, dropped or cut off without notice.

Layout: ``MAGIC``, 32 bytes of salt, then chunks of at most ``CHUNK_BYTES`` of plain text, each followed by its 16-byte
tag. It hides and protects the bytes; it does not hide how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampler.errors import SealError
from sampler.limits import KIB
from sampler.runtime.durable import write_durably

MAGIC: Final = b"SMPSEAL1"
CHUNK_BYTES: Final = 64 * KIB
KEY_BYTES: Final = 32
_SALT_BYTES: Final = 32
_TAG_BYTES: Final = 16
_HEAD_BYTES: Final = len(MAGIC) + _SALT_BYTES


def load_or_make_key(path: Path) -> bytes:
    """The key in a private file; a new one where there is none yet, durable before it is used.

    Raises:
        SealError: what is there is no key.
        OSError: it can be neither read nor written.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = os.urandom(KEY_BYTES)
        write_durably(path, [key], mode=0o600)
    if len(key) != KEY_BYTES:
        raise SealError(f"{path}: not a key of {KEY_BYTES} bytes; move it away, and what it sealed is lost")
    return key


def sealed(key: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a sealed file, to be written one after the other.

    Args:
        key: the host's, ``KEY_BYTES`` long.
        chunks: the plain bytes, in chunks of any length.
    """
    salt = os.urandom(_SALT_BYTES)
    cipher = _cipher(key, salt)
    yield MAGIC + salt
    held, number = bytearray(), 0
    for chunk in chunks:
        held += chunk
        while len(held) > CHUNK_BYTES:
            yield cipher.encrypt(_nonce(number, last=False), bytes(held[:CHUNK_BYTES]), None)
            del held[:CHUNK_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(held), None)


class SealedFile:
    """A sealed file, open for reading at any place.

    Args:
        file: open for reading, in binary; it stays the caller's.
        key: the one that it was sealed with.

    Raises:
        SealError: it is no sealed file.
    """

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        self._descriptor = file.fileno()
        head = os.pread(self._descriptor, _HEAD_BYTES, 0)
        body = os.fstat(self._descriptor).st_size - _HEAD_BYTES
        self._last, rest = divmod(max(body - 1, 0), CHUNK_BYTES + _TAG_BYTES)
        if not head.startswith(MAGIC) or len(head) != _HEAD_BYTES or rest + 1 < _TAG_BYTES:
            raise SealError(f"{file.name}: not a sealed file, or one that was cut off")
        self._cipher = _cipher(key, head[len(MAGIC) :])
        self.size: int = body - (self._last + 1) * _TAG_BYTES
        """Of the plain text, in bytes."""
        self._name = file.name

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """A stretch of the plain text, in chunks; each is whole and true, or the reading ends with an error.

        Raises:
            ValueError: the stretch is not inside; raised at the call.
            SealError: the file was changed, or sealed with another key.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ValueError(f"bytes {offset} to {offset + length} are not all in a file of {self.size} bytes")
        return self._chunks(offset, offset + length)

    def _chunks(self, offset: int, end: int) -> Iterator[bytes]:
        while offset < end:
            number, skipped = divmod(offset, CHUNK_BYTES)
            plain = self._open(number)[skipped : skipped + end - offset]
            offset += len(plain)
            yield plain

    def _open(self, number: int) -> bytes:
        place = _HEAD_BYTES + number * (CHUNK_BYTES + _TAG_BYTES)
        chunk = os.pread(self._descriptor, CHUNK_BYTES + _TAG_BYTES, place)
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self._last), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise SealError(
                f"{self._name}: it was changed, damaged, or sealed with another key (chunk {number})"
            ) from error


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"sampler sealed file 1").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
