"""The one door to AES, for members under a password that everybody knows. Takes ``pycryptodomex``, an extra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sampler.extract.compressed_streams import NotUnpacked

try:
    from Cryptodome.Cipher import AES
    from Cryptodome.Util import Counter
except ImportError:  # without it members encrypted with AES are named and left out
    HAS_AES = False
else:
    HAS_AES = True
    # The library loads the code of a mode when it is first used, and a sandboxed child can load nothing any more.
    AES.new(bytes(16), AES.MODE_CTR, counter=Counter.new(128)).decrypt(bytes(16))
    AES.new(bytes(16), AES.MODE_CBC, iv=bytes(16)).decrypt(bytes(16))

Decrypt = Callable[[bytes], bytes]
"""Goes on where it was with each call."""
BLOCK_BYTES: Final = 16


def counting(key: bytes) -> Decrypt:
    """CTR as WinZip has it: a counter of 128 bits, lowest byte first, from 1 on.

    Raises:
        NotUnpacked: ``encrypted``: there is no AES here.
    """
    _check()
    return AES.new(key, AES.MODE_CTR, counter=Counter.new(128, initial_value=1, little_endian=True)).decrypt


def chaining(key: bytes, vector: bytes) -> Decrypt:
    """CBC; each call takes whole blocks.

    Raises:
        NotUnpacked: ``encrypted``: there is no AES here.
    """
    _check()
    return AES.new(key, AES.MODE_CBC, iv=vector).decrypt


def _check() -> None:
    if not HAS_AES:
        raise NotUnpacked("encrypted", "it is encrypted with AES, which is not undone here")
