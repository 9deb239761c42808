"""Mail addresses in a text (RFC 5322 with the letters of RFC 6531), and what only looks like one."""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.names import MAIL

_ADDRESS: Final = re.compile(
    r"(?:[\w.+%-]|(?<=\w)'(?=\w)){1,64}(?:@|%40)((?:[\w-]+\.)+([^\W\d_]{2,24}|xn--[\w-]{1,59}))(?:@[\w.-]*)*",
    re.IGNORECASE,
)
_VERSION: Final = re.compile(r"v?\d+(?:\.\d+)+(?![\w.]*[a-z]{2})", re.IGNORECASE)
_DOMAIN_BEFORE: Final = re.compile(r"[^\W\d][\w.-]*\.[a-z]{2,6}\.\w+", re.IGNORECASE)
"""A domain with a file's ending behind it: ``NAME@example.org.txt``."""
_NO_DOMAIN: Final = frozenset(
    {
        "service", "socket", "timer", "mount", "automount", "slice", "scope", "target", "device", "swap", "path",
        "png", "jpg", "jpeg", "gif", "svg", "webp", "dll", "exe", "js", "css", "html", "json", "xml", "yml", "yaml",
        "toml", "txt", "log", "tar", "gz", "rpm", "deb", "apk", "jar",
    }
)  # fmt: skip
"""Endings of units of systemd and of files; none is a domain of the Internet."""


def redact_mail(text: str) -> str:
    """``text`` with mail addresses replaced by ``~mail``; ``name@version`` and ``unit@instance.service`` stay."""
    return _ADDRESS.sub(_stand_in, text) if "@" in text or "%40" in text else text


def _stand_in(match: re.Match[str]) -> str:
    domain, ending = match[1], match[2]
    if ending.lower() in _NO_DOMAIN and not _DOMAIN_BEFORE.fullmatch(domain):
        return match[0]
    return match[0] if _VERSION.match(domain) else MAIL
