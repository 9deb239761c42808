"""Where an object came from (ECS 9 ``file.origin_url``, ``file.origin_referrer_url``).

The caller's word comes before the file's extended attributes (freedesktop.org, "Common Extended Attributes"); both are
hostile text.
"""

from __future__ import annotations

import re
from typing import Final

from sampler.limits import URL_MAX_CHARACTERS
from sampler.model import Field, Snapshot

ORIGIN_ATTRIBUTE: Final = "user.xdg.origin.url"
REFERRER_ATTRIBUTE: Final = "user.xdg.referrer.url"

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
"""A scheme (RFC 3986, 3.1) and something without blanks."""


def origin_fields(snapshot: Snapshot, origin_url: str | None) -> tuple[Field, ...]:
    """The address it was fetched from and the page that led there, as far as they are known and look like addresses."""
    attributes = dict(snapshot.stat.attributes)
    origin = _url(origin_url) or _url(attributes.get(ORIGIN_ATTRIBUTE))
    referrer = _url(attributes.get(REFERRER_ATTRIBUTE))
    pairs = (("file.origin_url", origin), ("file.origin_referrer_url", referrer))
    return tuple(Field(name, url) for name, url in pairs if url is not None)


def _url(raw: bytes | str | None) -> str | None:
    """The text when it is an address of bearable length; anything else says nothing."""
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw or ""
    except UnicodeDecodeError:
        return None
    text = text.strip("\0 \t\r\n")
    is_address = len(text) <= URL_MAX_CHARACTERS and text.isprintable() and _URL.fullmatch(text)
    return text if is_address else None
