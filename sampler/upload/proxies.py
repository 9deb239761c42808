"""Which proxy a request goes through. It sees a CONNECT (RFC 9110, section 9.3.6) and TLS between host and queue."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from sampler.errors import SettingsError

NONE: Final = "none"
"""The setting that goes straight to the queue, whatever the environment says."""
_SCHEMES: Final = ("http", "https")


def proxy_for(url: str, setting: str = "") -> str | None:
    """The proxy for a URL, or ``None``.

    Args:
        url: where the request goes.
        setting: a proxy's URL, or ``none``; empty: ``HTTPS_PROXY`` and ``NO_PROXY`` of the environment, of which the
            names in lower case count first.

    Raises:
        SettingsError: the proxy's URL is none. Its user and password are not repeated.
    """
    if setting == NONE:
        return None
    proxy = setting or _of_environment(url)
    return _checked(proxy) if proxy else None


def _of_environment(url: str) -> str | None:
    proxies = getproxies_environment()
    place = urlsplit(url)
    if proxy_bypass(place.hostname or "", proxies):
        return None
    return proxies.get(place.scheme)


def _checked(proxy: str) -> str:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        sound = bool(parts.scheme in _SCHEMES and parts.hostname and parts.port != 0)
    except ValueError:
        sound = False
    if not sound:
        raise SettingsError("the proxy's URL cannot be used; it must look like http://proxy.example:3128")
    return parts.geturl()
