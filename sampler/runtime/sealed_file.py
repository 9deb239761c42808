"""Files that are encrypted at rest, in chunks, so that a part can be read without the rest.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", CRYPTO 2015, section 7) over AES-256-GCM (NIST SP 800-38D): each file has a key of its own, derived
by HKDF-SHA-256 (RFC 5869) from one of the host's keys, a random salt and the file's purpose; a chunk's nonce is its
number and whether it is the last. So chunks cannot be exchanged, repeated, dropped or cut off without notice, nor can
one file stand for another of another purpose.

Layout: ``MAGIC``, 4 bytes with the key's number (big-endian), 32 bytes of salt, then chunks of at most ``CHUNK_BYTES``
of plain text, each followed by its 16-byte tag. Files of before keys had numbers begin with ``FIRST_MAGIC`` and the
salt, know no purpose, and can only be read. It hides and protects the bytes; it does not hide how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampler.errors import SealError
from sampler.limits import KIB
from sampler.runtime.key_ring import FIRST_NUMBER, KEY_BYTES, Keys

MAGIC: Final = b"SMPSEAL2"
FIRST_MAGIC: Final = b"SMPSEAL1"
CHUNK_BYTES: Final = 64 * KIB
_NUMBER_BYTES: Final = 4
_SALT_BYTES: Final = 32
_TAG_BYTES: Final = 16
_HEAD_BYTES: Final = len(MAGIC) + _NUMBER_BYTES + _SALT_BYTES
_FIRST_INFO: Final = b"sampler sealed file 1"


def sealed(keys: Keys, chunks: Iterable[bytes], *, purpose: bytes = b"") -> Iterator[bytes]:
    """The bytes of a sealed file, to be written one after the other.

    Args:
        keys: the current one is taken.
        chunks: the plain bytes, in chunks of any length.
        purpose: what the file is for; it opens with the same one only.
    """
    key, salt = keys.current(), os.urandom(_SALT_BYTES)
    cipher = _cipher(key.secret, salt, _info(purpose))
    yield MAGIC + key.number.to_bytes(_NUMBER_BYTES, "big") + salt
    held, number = bytearray(), 0
    for chunk in chunks:
        held += chunk
        whole = max(len(held) - 1, 0) // CHUNK_BYTES * CHUNK_BYTES
        with memoryview(held) as view:
            for start in range(0, whole, CHUNK_BYTES):
                yield cipher.encrypt(_nonce(number, last=False), view[start : start + CHUNK_BYTES], None)
                number += 1
        del held[:whole]
    yield cipher.encrypt(_nonce(number, last=True), bytes(held), None)


def sealed_bytes(size: int) -> int:
    """How many bytes a sealed file has whose plain text has ``size``."""
    return _HEAD_BYTES + size + (max(size - 1, 0) // CHUNK_BYTES + 1) * _TAG_BYTES


def key_number(path: Path) -> int | None:
    """The number of the key that a file, whole or half written, was sealed with; ``None`` for another, or none."""
    try:
        with path.open("rb", buffering=0) as file:
            head = _head(file.read(_HEAD_BYTES))
    except OSError:
        return None
    return None if head is None else head.key


class SealedFile:
    """A sealed file, open for reading at any place.

    Args:
        file: open for reading, in binary; it stays the caller's.
        keys: of which one sealed it.
        purpose: the one that it was sealed for.
        takes_first: whether a file of before keys had numbers is taken too, whatever its purpose was.

    Raises:
        SealKeyMissing: its key is not there.
        SealError: it is no sealed file, was cut off, or was sealed with another key or for another purpose.
    """

    def __init__(self, file: BinaryIO, keys: Keys, *, purpose: bytes = b"", takes_first: bool = False) -> None:
        self._descriptor = file.fileno()
        self._name = file.name
        head = _head(os.pread(self._descriptor, _HEAD_BYTES, 0))
        if head is None or (head.key == FIRST_NUMBER and not takes_first):
            raise SealError(f"{file.name}: not a sealed file, or one that was cut off")
        body = os.fstat(self._descriptor).st_size - head.length
        self._start = head.length
        self._last, rest = divmod(max(body - 1, 0), CHUNK_BYTES + _TAG_BYTES)
        if rest + 1 < _TAG_BYTES:
            raise SealError(f"{file.name}: not a sealed file, or one that was cut off")
        info = _FIRST_INFO if head.key == FIRST_NUMBER else _info(purpose)
        self._cipher = _cipher(keys.get(head.key).secret, head.salt, info)
        self.size: int = body - (self._last + 1) * _TAG_BYTES
        """Of the plain text, in bytes."""
        self._open(self._last)  # what was cut off is noticed before anything is read

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
        place = self._start + number * (CHUNK_BYTES + _TAG_BYTES)
        chunk = os.pread(self._descriptor, CHUNK_BYTES + _TAG_BYTES, place)
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self._last), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise SealError(
                f"{self._name}: it was changed, damaged, or sealed with another key (chunk {number})"
            ) from error


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a sealed file."""

    length: int
    key: int
    salt: bytes


def _head(written: bytes) -> _Head | None:
    if written.startswith(FIRST_MAGIC):
        length = len(FIRST_MAGIC) + _SALT_BYTES
        salt = written[len(FIRST_MAGIC) : length]
        return _Head(length, FIRST_NUMBER, salt) if len(salt) == _SALT_BYTES else None
    if not written.startswith(MAGIC) or len(written) < _HEAD_BYTES:
        return None
    number = int.from_bytes(written[len(MAGIC) : -_SALT_BYTES], "big")
    return _Head(_HEAD_BYTES, number, written[-_SALT_BYTES:])


def _info(purpose: bytes) -> bytes:
    return b"sampler sealed file 2\0" + purpose


def _cipher(secret: bytes, salt: bytes, info: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, info).derive(secret))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
