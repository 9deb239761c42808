"""URLs without what they say of a person: no user info, no query, no fragment, and none at all of a private network.

Split by RFC 3986, section 3. As a field, a URL is dropped whole when it cannot be read, when its scheme is none of
``_PUBLIC``, or when its host is not a public one. Within a text, one of another scheme keeps its scheme and path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sampler.permit.addresses import is_internal, is_private, redact_addresses
from sampler.permit.cards import redact_cards
from sampler.permit.credentials import redact_secrets
from sampler.permit.identities import redact_identities
from sampler.permit.mail import redact_mail
from sampler.permit.names import ADDRESS, HOST, PLACEHOLDER, SECRET, HostNames, replace_names
from sampler.permit.settling import settle
from sampler.permit.tokens import redact_tokens

_PUBLIC: Final = frozenset({"http", "https", "ftp", "ftps", "ws", "wss"})
_IN_TEXT: Final = re.compile(r"(?<![a-z0-9+.-])(?:https?|ftps?|wss?)://[^\s\"'<>]*", re.IGNORECASE)
_OTHER: Final = re.compile(
    r"(?<![a-z0-9+./\\_~%-])([a-z][a-z0-9+.-]{1,31}(?::[a-z]{2,16})?://)([^\s\"'<>/?#,;@]*)"
    r"([^\s\"'<>?#]*)(?:[?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
_SERVER: Final = re.compile(r"[\w.~:-]+")
_USER_INFO: Final = re.compile(r"(?<=://)(?:[^\s\"'<>@/]*@)+")
_TREATED: Final = re.compile(PLACEHOLDER)
_SAFE: Final = "/~@!$&'()*+,;=:"


def redact_url(url: str, host: HostNames) -> str | None:
    """A public URL's scheme, host, port and path, or ``None``. Idempotent."""

    def once(text: str | None) -> str | None:
        return None if text is None else _redact(text, host)

    return settle(once, url, hopeless=None)


def redact_urls_within(text: str, host: HostNames, rest: Callable[[str], str]) -> str:
    """``text`` with each URL in it redacted, ``~address`` for those dropped, and ``rest`` applied between them."""
    text = _USER_INFO.sub("", text)
    treated, position = [], 0
    for match in _IN_TEXT.finditer(text):
        between = text[position : match.start()]
        treated += [_others(between, host, rest), redact_url(match[0], host) or ADDRESS]
        position = match.end()
    return "".join([*treated, _others(text[position:], host, rest)])


def _others(text: str, host: HostNames, rest: Callable[[str], str]) -> str:
    """URLs of other schemes: without user info, query and fragment; their host only if it is public."""
    treated, position = [], 0
    for match in _OTHER.finditer(text):
        scheme, server, path = match.groups()
        treated += [
            rest(text[position : match.start()]),
            replace_names(scheme, host),
            _other_server(server, host),
            rest(path),
        ]
        position = match.end()
    return "".join([*treated, rest(text[position:])])


def _other_server(server: str, host: HostNames) -> str:
    name, colon, port = server.partition(":") if not server.startswith("[") else server.partition("]:")
    if not name or _TREATED.match(name):
        return server
    treated = replace_names(name, host)
    if treated == name and is_internal(name.strip("[]")):
        treated = ADDRESS if is_private(name) else HOST
    return f"{treated}{colon[-1:]}{port}"


def _redact(url: str, host: HostNames) -> str | None:
    try:
        parts = urlsplit(url)
        server, port = _server(parts, host), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PUBLIC or server is None:
        return None
    place = f"{server}:{port}" if port is not None else server
    return redact_tokens(f"{parts.scheme}://{place}{_path(parts.path, host)}")


def _server(parts: SplitResult, host: HostNames) -> str | None:
    name = parts.hostname or ""
    treated = replace_names(name, host)
    if not _SERVER.fullmatch(treated) or HOST in treated or is_internal(name) or is_internal(treated):
        return None
    return f"[{treated}]" if ":" in treated else treated


def _path(path: str, host: HostNames) -> str:
    """The path without its parameters, decoded so that an escaped name is found too, and encoded anew."""
    decoded = settle(unquote, path.partition(";")[0], hopeless=f"/{SECRET}")
    treated = settle(lambda text: _treat_path(text, host), decoded, hopeless=f"/{SECRET}")
    return quote(treated, safe=_SAFE, errors="replace")


def _treat_path(path: str, host: HostNames) -> str:
    for treat in (redact_secrets, redact_mail, redact_addresses, redact_cards, redact_identities):
        path = treat(path)
    return replace_names(path, host)
