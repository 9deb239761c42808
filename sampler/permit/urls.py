"""URLs without what they say of a person: no user info, no query, no fragment, and none at all of a private network.

Split by RFC 3986, section 3. A URL is dropped whole when it cannot be read, when its scheme is none of ``_PUBLIC``, or
when its host is not a public one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sampler.permit.addresses import is_internal
from sampler.permit.credentials import redact_secrets
from sampler.permit.names import ADDRESS, HOST, SECRET, HostNames, replace_names
from sampler.permit.settling import settle

_PUBLIC: Final = frozenset({"http", "https", "ftp", "ftps", "ws", "wss"})
_IN_TEXT: Final = re.compile(r"\b(?:https?|ftps?|wss?)://[^\s\"'<>]*", re.IGNORECASE)
_SERVER: Final = re.compile(r"[\w.~:-]+")
_SAFE: Final = "/~@!$&'()*+,;=:"


def redact_url(url: str, host: HostNames) -> str | None:
    """A public URL's scheme, host, port and path, or ``None``. Idempotent."""

    def once(text: str | None) -> str | None:
        return None if text is None else _redact(text, host)

    return settle(once, url, hopeless=None)


def redact_urls_within(text: str, host: HostNames, rest: Callable[[str], str]) -> str:
    """``text`` with each URL in it redacted, ``~address`` for those dropped, and ``rest`` applied between them."""
    treated, position = [], 0
    for match in _IN_TEXT.finditer(text):
        treated += [rest(text[position : match.start()]), redact_url(match[0], host) or ADDRESS]
        position = match.end()
    return "".join([*treated, rest(text[position:])])


def _redact(url: str, host: HostNames) -> str | None:
    try:
        parts = urlsplit(url)
        server, port = _server(parts, host), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PUBLIC or server is None:
        return None
    place = f"{server}:{port}" if port is not None else server
    return f"{parts.scheme}://{place}{_path(parts.path, host)}"


def _server(parts: SplitResult, host: HostNames) -> str | None:
    name = parts.hostname or ""
    treated = replace_names(name, host)
    if not _SERVER.fullmatch(treated) or HOST in treated or is_internal(name) or is_internal(treated):
        return None
    return f"[{treated}]" if ":" in treated else treated


def _path(path: str, host: HostNames) -> str:
    """The path without its parameters, decoded so that an escaped name is found too, and encoded anew."""
    decoded = settle(unquote, path.partition(";")[0], hopeless=f"/{SECRET}")
    treated = settle(lambda text: replace_names(redact_secrets(text), host), decoded, hopeless=f"/{SECRET}")
    return quote(treated, safe=_SAFE, errors="replace")
