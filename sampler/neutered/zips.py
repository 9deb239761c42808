"""Zip files with one encrypted member (PKWARE APPNOTE 6.3.10; AE-2 by WinZip's specification), written as a stream."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from zlib import error as zlib_error

import pyzipper
from pyzipper.zipfile_aes import AESZipInfo, BaseZipEncrypter

from sampler.errors import ContentMismatch
from sampler.limits import COPY_CHUNK_BYTES, MIB
from sampler.neutered.zipcrypto import LegacyEncrypter

PASSWORD: Final = "infected"  # noqa: S105  # no secret: everybody knows it
"""What the field encrypts samples with. It is public."""
LEGACY_MAX_BYTES: Final = 16 * MIB
"""The largest content under the traditional encryption, which is slow."""

_PRIVATE_FILE: Final = 0o100600
_STREAMED: Final = 0x08
"""General purpose bit 3: sizes and CRC lie behind the member."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def zipped(pieces: Iterable[bytes], name: str, *, legacy: bool = False) -> Iterator[bytes]:
    """The bytes as the one member of a zip file that only its owner can read and nobody execute."""
    outlet = _Outlet()
    with _Zip(outlet, legacy=legacy) as archive:
        member = AESZipInfo(name, date_time=_EPOCH)
        member.compress_type = pyzipper.ZIP_DEFLATED
        member.external_attr = _PRIVATE_FILE << 16
        with archive.open(member, "w", force_zip64=not legacy) as writing:
            for piece in pieces:
                writing.write(piece)
                yield outlet.take()
    yield outlet.take()


def unzipped(path: Path) -> Iterator[bytes]:
    """The bytes of the one member of a zip file, in pieces.

    Raises:
        ContentMismatch: it is no zip file with one member under the password, or is damaged.
    """
    try:
        with pyzipper.AESZipFile(path) as archive:
            archive.setpassword(PASSWORD.encode())
            (member,) = archive.infolist()
            with archive.open(member) as reading:
                while data := reading.read(COPY_CHUNK_BYTES):
                    yield data
    except (pyzipper.BadZipFile, RuntimeError, ValueError, EOFError, zlib_error, NotImplementedError) as error:
        raise ContentMismatch(f"{path}: not a whole zip file of one content: {error}; download it again") from error


class _Zip(pyzipper.AESZipFile):  # type: ignore[misc]  # the library is untyped
    """Writes to a stream that cannot be wound back, by either encryption."""

    def __init__(self, outlet: _Outlet, *, legacy: bool) -> None:
        super().__init__(outlet, "w", encryption=pyzipper.WZ_AES)
        self.setpassword(PASSWORD.encode())
        self._legacy = legacy

    def get_encrypter(self) -> BaseZipEncrypter:
        """What the member that is opened next is encrypted by."""
        return LegacyEncrypter(self.pwd) if self._legacy else super().get_encrypter()


class _Outlet(io.RawIOBase):
    """Holds what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Hold these bytes."""
        assert isinstance(data, bytes | bytearray | memoryview)  # the library writes nothing else
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        held = bytes(self._held)
        self._held.clear()
        return held
