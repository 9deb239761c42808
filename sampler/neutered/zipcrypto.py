"""The traditional encryption of zip files (PKWARE APPNOTE 6.3.10, section 6.1), for tools that know no other.

It is weak, which does not matter here: the password is public. It costs a step of the interpreter for every byte.
"""

from __future__ import annotations

import secrets
from typing import Final

from pyzipper.zipfile import ZipInfo
from pyzipper.zipfile_aes import BaseZipEncrypter

_HEADER_BYTES: Final = 12
_ENCRYPTED: Final = 0x01
"""General purpose bit 0."""


def _crc_table() -> tuple[int, ...]:
    """CRC-32 of each byte, for the polynomial of APPNOTE section 4.4.7."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)  # noqa: PLW2901  # eight steps of one number
        table.append(value)
    return tuple(table)


_CRC: Final = _crc_table()


class LegacyEncrypter(BaseZipEncrypter):  # type: ignore[misc]  # the library is untyped
    """One member's encryption; its three keys move with every byte."""

    def __init__(self, password: bytes) -> None:
        self._keys = (0x12345678, 0x23456789, 0x34567890)
        self._last = 0
        self.encrypt(password)  # section 6.1.5: the password moves the keys, what comes out is not used

    def update_zipinfo(self, zipinfo: ZipInfo) -> None:
        """Say in the member's header that it is encrypted; its time is what the password is checked by."""
        zipinfo.flag_bits |= _ENCRYPTED
        hour, minute, second = zipinfo.date_time[3:6]
        self._last = (hour << 11 | minute << 5 | second // 2) >> 8

    def finalize_zipinfo(self, zipinfo: ZipInfo) -> None:
        """Nothing is known at the end that was not known before."""

    def encryption_header(self) -> bytes:
        """Section 6.1.6: eleven random bytes, and the one by which a password is checked.

        That is the high byte of the member's time, since its CRC is written behind it (as Info-ZIP does).
        """
        return self.encrypt(secrets.token_bytes(_HEADER_BYTES - 1) + bytes([self._last]))

    def encrypt(self, data: bytes) -> bytes:
        """Sections 6.1.5 and 6.1.7, unrolled because it is done for every byte."""
        crc, (first, second, third) = _CRC, self._keys
        out = bytearray(data)
        for place, value in enumerate(data):
            mask = third | 2
            out[place] = value ^ (mask * (mask ^ 1) >> 8 & 0xFF)
            first = crc[(first ^ value) & 0xFF] ^ first >> 8
            second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            third = crc[(third ^ second >> 24) & 0xFF] ^ third >> 8
        self._keys = (first, second, third)
        return bytes(out)
