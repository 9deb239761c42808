"""The mark that Windows leaves on what was downloaded (MS-FSCC, 5.6.1; the stream ``Zone.Identifier``). Pure.

Here it comes as an extended attribute: NTFS-3G shows a stream as ``user.NAME`` (ntfs-3g(8), ``streams_interface``),
Samba's vfs_streams_xattr as ``user.DosStream.NAME:$DATA``, with a NUL behind it. It is an INI file that anybody may
have written: only the first lines are read, only its own section, and of each key only the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NTFS_ATTRIBUTE: Final = "user.Zone.Identifier"
SAMBA_ATTRIBUTE: Final = "user.DosStream.Zone.Identifier:$DATA"

_SECTION: Final = "[zonetransfer]"
_LINES_MAX_COUNT: Final = 64
_ZONE_MAX: Final = 9999
"""URLZONE_USER_MAX: Windows has 0 to 4, an administrator may add others."""


@dataclass(frozen=True, slots=True)
class Zone:
    """What the mark says; ``None`` and empty where it says nothing."""

    identifier: int | None = None
    """0 this machine, 1 intranet, 2 trusted sites, 3 internet, 4 restricted sites."""
    host_url: str = ""
    """Where it was fetched from."""
    referrer_url: str = ""
    """The page that led there."""


def read_zone(raw: bytes) -> Zone:
    """What of the mark can be read; never raises."""
    keys: dict[str, str] = {}
    for key, value in _entries(_text(raw)):
        keys.setdefault(key, value)
    return Zone(_zone(keys.get("zoneid", "")), keys.get("hosturl", ""), keys.get("referrerurl", ""))


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xff\xfe"):
        return raw[2:].decode("utf-16-le", "replace")
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _entries(text: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in text.strip("\0").replace("\r", "\n").split("\n", _LINES_MAX_COUNT)[:_LINES_MAX_COUNT]:
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.casefold() == _SECTION
        elif inside and "=" in stripped:
            key, _, value = stripped.partition("=")
            yield key.strip().casefold(), value.strip()


def _zone(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_ZONE_MAX))
    return int(text) if is_number else None
