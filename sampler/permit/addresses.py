"""Which network addresses and machine names belong to somebody's own network, and so never leave."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

from sampler.permit.names import ADDRESS

_INTERNAL_ENDINGS: Final = (
    ".local", ".localdomain", ".lan", ".home", ".corp", ".internal", ".intranet", ".private", ".arpa", ".localhost",
)  # fmt: skip
"""Names that no public server has (RFC 2606, 6762, 8375 and ICANN's reserved ones)."""
_ROUTERS: Final = frozenset({"fritz.box", "speedport.ip", "easy.box"})
"""Names that routers give themselves under endings that are public."""

_HARDWARE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![0-9a-z:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])",
        r"(?<![\w.])(?=[\d.]{0,13}[a-f])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])",
        r"(?<=\bmac )[0-9a-f]{12}(?!\w)|(?<=\bmac[=:])[0-9a-f]{12}(?!\w)",
    )
)
_VERSION_4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)", re.ASCII)
"""Letters of other scripts may touch it: many set no blanks between words."""
_VERSION_4_DASHED: Final = re.compile(r"(?<=\bip-)\d{1,3}(?:-\d{1,3}){3}(?![\w-])", re.IGNORECASE)
_VERSION_6: Final = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w+)?(?![\w:])", re.IGNORECASE)
_SAYS_VERSION: Final = re.compile(
    r"(?:version|release|build|section|chapter|clause|(?<![a-z])ver\.?|[=~<>!]=)[\s\"':=]{0,3}\Z", re.IGNORECASE
)
_EVERYBODYS: Final = ("0.", "127.", "255.")
"""No network's: "any address", the machine to itself, masks, and how versions of programs begin."""


def is_private(address: str) -> bool | None:
    """Whether an IP address, in any spelling that a program takes, is not a public one; ``None``: it is none."""
    bare = address.strip("[]").partition("%")[0]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return _is_private_short(bare)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return not (mapped or parsed).is_global


def is_internal(name: str) -> bool:
    """Whether a URL's host, name or address, is one that only its owner's network knows."""
    bare = name.rstrip(".").lower()
    private = is_private(bare)
    if private is not None:
        return private
    return "." not in bare or bare.endswith(_INTERNAL_ENDINGS) or bare in _ROUTERS


def redact_addresses(text: str) -> str:
    """``text`` with hardware addresses and private IP addresses replaced by ``~address``."""
    for pattern in _HARDWARE:
        text = pattern.sub(ADDRESS, text)
    text = _VERSION_4_DASHED.sub(_dashed, text)
    for pattern in (_VERSION_4, _VERSION_6):
        text = pattern.sub(_stand_in, text)
    return text


def _stand_in(match: re.Match[str]) -> str:
    address, before = match[0], match.string[max(0, match.start() - 16) : match.start()]
    if address == "::" or address.startswith(_EVERYBODYS) or _SAYS_VERSION.search(before):
        return address
    return ADDRESS if is_private(address) else address


def _dashed(match: re.Match[str]) -> str:
    return ADDRESS if is_private(match[0].replace("-", ".")) else match[0]


def _is_private_short(address: str) -> bool | None:
    """The spellings of inet_aton(3): ``127.1``, ``0x7f.0.0.1``, ``2130706433``."""
    if not re.fullmatch(r"[0-9a-fx.]+", address, re.IGNORECASE | re.ASCII):
        return None
    try:
        return not ipaddress.IPv4Address(socket.inet_aton(address)).is_global
    except OSError:
        return None
