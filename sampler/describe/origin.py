"""Where an object came from: ECS 9 ``file.origin_url`` and ``file.origin_referrer_url``, and who says so.

Three may say it: the caller, the freedesktop.org attributes ("Common Extended Attributes") and the mark of Windows. The
first of them in this order is believed; what each says stands under ``sampler.file.origin.*``, since they may differ.
All of it is hostile text. A file beside the object is never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sampler.describe.zone import NTFS_ATTRIBUTE, SAMBA_ATTRIBUTE, read_zone
from sampler.limits import URL_MAX_CHARACTERS
from sampler.model import Field, Snapshot

ORIGIN_ATTRIBUTE: Final = "user.xdg.origin.url"
REFERRER_ATTRIBUTE: Final = "user.xdg.referrer.url"

_OWN: Final = "sampler.file.origin"
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
"""A scheme (RFC 3986, 3.1) and something without blanks."""
_NOWHERE: Final = "about:"
"""Browsers leave ``about:internet`` where they do not want to say."""


def origin_fields(snapshot: Snapshot, origin_url: str | None) -> tuple[Field, ...]:
    """The address it was fetched from and the page that led there, as far as they are known and look like addresses."""
    attributes = dict(snapshot.stat.attributes)
    zone = read_zone(attributes.get(NTFS_ATTRIBUTE) or attributes.get(SAMBA_ATTRIBUTE) or b"")
    said = {
        "caller_url": _url(origin_url),
        "xdg_url": _url(attributes.get(ORIGIN_ATTRIBUTE)),
        "zone_url": _url(zone.host_url),
        "xdg_referrer_url": _url(attributes.get(REFERRER_ATTRIBUTE)),
        "zone_referrer_url": _url(zone.referrer_url),
    }
    pairs = (
        ("file.origin_url", _first(said, "caller_url", "xdg_url", "zone_url")),
        ("file.origin_referrer_url", _first(said, "xdg_referrer_url", "zone_referrer_url")),
        *((f"{_OWN}.{name}", url) for name, url in said.items()),
        (f"{_OWN}.zone_id", zone.identifier),
    )
    return tuple(Field(name, value) for name, value in pairs if value is not None)


def _first(said: Mapping[str, str | None], *names: str) -> str | None:
    return next((url for name in names if (url := said[name]) is not None), None)


def _url(raw: bytes | str | None) -> str | None:
    """The text when it is an address of bearable length; anything else says nothing."""
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw or ""
    except UnicodeDecodeError:
        return None
    text = text.strip("\0 \t\r\n")
    if len(text) > URL_MAX_CHARACTERS or not text.isprintable() or text.startswith(_NOWHERE):
        return None
    return text if _URL.fullmatch(text) else None
