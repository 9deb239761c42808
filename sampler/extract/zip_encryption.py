"""The two encryptions of ZIP files: the old one (APPNOTE.TXT 6.1) and AES (WinZip, AE-1 and AE-2).

Nothing is guessed: one password is tried, and whether it was the right one is known before anything is unpacked, or
from the checksum at the latest. AES takes ``pycryptodomex``, which is optional; the old encryption is written out here.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from sampler.extract.aes import HAS_AES, counting
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.zip_directory import DESCRIBED_BEHIND, ZipEntry
from sampler.limits import MIB

DECRYPT_MAX_BYTES: Final = 8 * MIB
"""Packed bytes of one member under the old encryption, which costs a second for each megabyte or two."""
_HEADER_BYTES: Final = 12
_ROUNDS: Final = 1000
_CODE_BYTES: Final = 10
_TABLE: Final = tuple(zlib.crc32(bytes([value]), 0xFFFFFFFF) ^ 0xFFFFFFFF for value in range(256))


def decrypted(packed: Iterable[bytes], entry: ZipEntry, password: str | None) -> Iterable[bytes]:
    """The compressed bytes of an encrypted member, in pieces.

    Raises:
        NotUnpacked: ``encrypted``: there is no password, it is another one, or AES cannot be undone here.
    """
    if password is None:
        raise NotUnpacked("encrypted", "it takes a password")
    if entry.method == 99 or entry.aes:
        return _from_aes(packed, entry, password)
    return _from_old(packed, entry, password)


def _from_old(packed: Iterable[bytes], entry: ZipEntry, password: str) -> Iterator[bytes]:
    if entry.packed_size > DECRYPT_MAX_BYTES:
        raise NotUnpacked("too-large", f"more than {DECRYPT_MAX_BYTES} packed bytes are not decrypted")
    if entry.flags & 0x40:
        raise NotUnpacked("unsupported", "an encryption that is not known")
    keys = _old_keys(password.encode())
    blocks = iter(packed)
    first = next(blocks, b"")
    if len(first) < _HEADER_BYTES:
        raise NotUnpacked("damaged", "it is shorter than the header of its encryption")
    keys, header = _undo_old(keys, first[:_HEADER_BYTES])
    # 6.1.6: the last byte is that of the checksum, or of the time where the checksum is not known in advance.
    if not entry.flags & DESCRIBED_BEHIND and header[-1] != entry.crc >> 24:
        raise NotUnpacked("encrypted", "the password is another one")
    return _rest_of_old(keys, first[_HEADER_BYTES:], blocks)


def _rest_of_old(keys: tuple[int, int, int], first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    keys, plain = _undo_old(keys, first)
    yield plain
    for block in blocks:
        keys, plain = _undo_old(keys, block)
        yield plain


def _old_keys(password: bytes) -> tuple[int, int, int]:
    keys = (0x12345678, 0x23456789, 0x34567890)
    for byte in password:
        keys = _stirred(keys, byte)
    return keys


def _stirred(keys: tuple[int, int, int], byte: int) -> tuple[int, int, int]:
    one, two, three = keys
    one = one >> 8 ^ _TABLE[(one ^ byte) & 0xFF]
    two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
    return one, two, three >> 8 ^ _TABLE[(three ^ two >> 24) & 0xFF]


def _undo_old(keys: tuple[int, int, int], block: bytes) -> tuple[tuple[int, int, int], bytes]:
    """``_stirred`` written out once more, because it runs for each byte."""
    one, two, three = keys
    table, plain = _TABLE, bytearray()
    for byte in block:
        mask = three | 2
        byte ^= mask * (mask ^ 1) >> 8 & 0xFF  # noqa: PLW2901  # the byte, decrypted
        plain.append(byte)
        one = one >> 8 ^ table[(one ^ byte) & 0xFF]
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = three >> 8 ^ table[(three ^ two >> 24) & 0xFF]
    return (one, two, three), bytes(plain)


def _from_aes(packed: Iterable[bytes], entry: ZipEntry, password: str) -> Iterator[bytes]:
    if not HAS_AES or entry.aes is None or entry.aes.strength not in (1, 2, 3):
        raise NotUnpacked("encrypted", "it is encrypted with AES, which is not undone here")
    blocks = iter(packed)
    first = next(blocks, b"")
    salt_bytes, key_bytes = 4 + 4 * entry.aes.strength, 8 + 8 * entry.aes.strength
    start = salt_bytes + 2
    made = hashlib.pbkdf2_hmac("sha1", password.encode(), first[:salt_bytes], _ROUNDS, 2 * key_bytes + 2)
    if len(first) < start or not hmac.compare_digest(made[-2:], first[salt_bytes:start]):
        raise NotUnpacked("encrypted", "the password is another one")
    left = entry.packed_size - start - _CODE_BYTES
    return _rest_of_aes(counting(made[:key_bytes]), left, first[start:], blocks)


def _rest_of_aes(
    decrypt: Callable[[bytes], bytes], left: int, first: bytes, blocks: Iterator[bytes]
) -> Iterator[bytes]:
    """``left`` bytes; what follows is the authentication code, which nobody here has to trust."""
    for block in chain((first,), blocks):
        if left > 0:
            yield decrypt(block[:left])
        left -= len(block)
