"""CaRT version 1, written and read in pieces (https://github.com/CybercentreCanada/cart, "Format Overview").

A mandatory header, ``<4shQ16sQ``: ``CART``, version 1, 0, the RC4 key, the length of the optional header; the optional
header, JSON under RC4; the bytes, under zlib and then RC4; the optional footer, JSON under RC4; a mandatory footer,
``<4sQQQ``: ``TRAC``, 0, where the optional footer begins, its length. RC4 begins anew for each of the three.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from Cryptodome.Cipher import ARC4

from sampler.errors import ContentMismatch
from sampler.limits import COPY_CHUNK_BYTES

KEY: Final = b"\x03\x01\x04\x01\x05\x09\x02\x06" * 2
"""The format's default key: the first eight digits of pi, twice. It is public."""

_HEADER: Final = struct.Struct("<4shQ16sQ")
_FOOTER: Final = struct.Struct("<4sQQQ")
_OPTIONAL_MAX_BYTES: Final = 64 * 1024


def packed(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The bytes as CaRT, with their name in front and their hash and length behind."""
    header = _json({"name": name})
    yield _HEADER.pack(b"CART", 1, 0, KEY, len(header)) + ARC4.new(KEY).encrypt(header)
    digest, length, at = hashlib.sha256(), 0, _HEADER.size + len(header)
    cipher, deflating = ARC4.new(KEY), zlib.compressobj(zlib.Z_BEST_SPEED)
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        out = cipher.encrypt(deflating.compress(piece))
        at += len(out)
        yield out
    rest = cipher.encrypt(deflating.flush())
    footer = _json({"length": str(length), "sha256": digest.hexdigest()})
    yield rest + ARC4.new(KEY).encrypt(footer) + _FOOTER.pack(b"TRAC", 0, at + len(rest), len(footer))


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The bytes that a CaRT file wraps, in pieces of at most ``COPY_CHUNK_BYTES``.

    Raises:
        ContentMismatch: it is no CaRT, is cut off, or what its footer says is not what it holds.
    """
    start, key = _opened(file)
    end, footer = _ending(file, start, key)
    digest, length = hashlib.sha256(), 0
    for piece in _inflated(file, start, end, key):
        digest.update(piece)
        length += len(piece)
        yield piece
    said = {"length": str(length), "sha256": digest.hexdigest()}
    if any(footer.get(name, value) != value for name, value in said.items()):
        raise _broken("its footer names other bytes")


def _opened(file: BinaryIO) -> tuple[int, bytes]:
    """Where the bytes begin, and the key."""
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise _broken("it is too short")
    magic, version, reserved, key, optional = _HEADER.unpack(head)
    if (magic, version, reserved) != (b"CART", 1, 0) or optional > _OPTIONAL_MAX_BYTES:
        raise _broken("it has another header")
    return _HEADER.size + optional, key


def _ending(file: BinaryIO, start: int, key: bytes) -> tuple[int, dict[str, str]]:
    """Where the bytes end, and what the optional footer says."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _FOOTER.size))
    tail = file.read(_FOOTER.size)
    if len(tail) < _FOOTER.size:
        raise _broken("it is too short")
    magic, reserved, at, length = _FOOTER.unpack(tail)
    if (magic, reserved) != (b"TRAC", 0) or length > _OPTIONAL_MAX_BYTES or at + length + _FOOTER.size != size:
        raise _broken("it has another footer, or is cut off")
    if at < start:
        raise _broken("its parts overlap")
    file.seek(at)
    return at, _told(ARC4.new(key).decrypt(file.read(length)))


def _told(footer: bytes) -> dict[str, str]:
    try:
        told = json.loads(footer or b"{}")
    except (ValueError, RecursionError) as error:
        raise _broken("its footer cannot be read") from error
    if not isinstance(told, dict):
        raise _broken("its footer is no object")
    return {name: value for name, value in told.items() if isinstance(value, str)}


def _inflated(file: BinaryIO, start: int, end: int, key: bytes) -> Iterator[bytes]:
    cipher, inflating = ARC4.new(key), zlib.decompressobj()
    file.seek(start)
    left = end - start
    try:
        while left and (data := file.read(min(left, COPY_CHUNK_BYTES))):
            left -= len(data)
            waiting = cipher.decrypt(data)
            while waiting:
                yield inflating.decompress(waiting, COPY_CHUNK_BYTES)
                waiting = inflating.unconsumed_tail
        yield inflating.flush()
    except zlib.error as error:
        raise _broken(str(error)) from error
    if not inflating.eof or inflating.unused_data:
        raise _broken("its bytes are cut off, or something lies behind them")


def _json(values: dict[str, str]) -> bytes:
    return json.dumps(values, separators=(",", ":"), sort_keys=True).encode()


def _broken(why: str) -> ContentMismatch:
    return ContentMismatch(f"this is not a whole CaRT file: {why}; download it again")
