"""AES of 7z archives (7zAES of the LZMA SDK): AES-256-CBC, its key from 2^n rounds of SHA-256 over the password."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from sampler.extract.aes import BLOCK_BYTES, HAS_AES, chaining
from sampler.extract.compressed_streams import NotUnpacked

AES_METHOD: Final = b"\x06\xf1\x07\x01"
_ROUNDS_MAX_POWER: Final = 20
"""7-Zip writes 19; each more doubles the time."""
_ROUNDS_AT_ONCE: Final = 4096


def decrypted(properties: bytes, packed: Iterable[bytes], password: str | None) -> Iterator[bytes]:
    """The decrypted bytes in pieces; whether the password was right only shows in what comes out.

    Raises:
        NotUnpacked: ``encrypted``: there is no password, or the parameters are none that 7-Zip writes.
    """
    if password is None or not HAS_AES:
        raise NotUnpacked("encrypted", "it is encrypted with AES")
    power, salt, vector = _parameters(properties)
    return _blocks(chaining(_key(power, salt, password), vector), packed)


def _blocks(decrypt: Callable[[bytes], bytes], packed: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in packed:
        both = rest + block
        whole = len(both) // BLOCK_BYTES * BLOCK_BYTES
        rest = both[whole:]
        yield decrypt(both[:whole])


def _parameters(properties: bytes) -> tuple[int, bytes, bytes]:
    if len(properties) < 2:
        raise NotUnpacked("damaged", "not the properties of AES")
    first, second = properties[0], properties[1]
    salt_bytes, vector_bytes = (first >> 7) + (second >> 4), (first >> 6 & 1) + (second & 0xF)
    power = first & 0x3F
    if power > _ROUNDS_MAX_POWER:
        raise NotUnpacked("encrypted", f"2^{power} rounds for a key are more than are taken")
    salt = properties[2 : 2 + salt_bytes]
    vector = properties[2 + salt_bytes : 2 + salt_bytes + vector_bytes]
    return power, salt, vector.ljust(BLOCK_BYTES, b"\0")


def _key(power: int, salt: bytes, password: str) -> bytes:
    digest, head = hashlib.sha256(), salt + password.encode("utf-16-le")
    for start in range(0, 1 << power, _ROUNDS_AT_ONCE):
        stop = min(start + _ROUNDS_AT_ONCE, 1 << power)
        digest.update(b"".join(head + number.to_bytes(8, "little") for number in range(start, stop)))
    return digest.digest()
