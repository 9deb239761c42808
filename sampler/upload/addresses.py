"""The addresses of one queue, in the order in which they are tried. Pure; time is passed in."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from sampler.errors import SettingsError
from sampler.limits import QUEUE_ADDRESSES_MAX_COUNT

_PREFER_SECONDS: Final = 300.0
"""So long after the first address did not answer it is tried again, though a later one does."""


class Addresses:
    """One is used until it does not answer; then the next, and after the last the first."""

    def __init__(self, *urls: str) -> None:
        """Each is an ``https://`` URL of the same queue.

        Raises:
            SettingsError: one is not a queue's URL, there is none, or there are too many.
        """
        if not 1 <= len(urls) <= QUEUE_ADDRESSES_MAX_COUNT:
            raise SettingsError(f"a queue has 1 to {QUEUE_ADDRESSES_MAX_COUNT} addresses, not {len(urls)}")
        self._urls = tuple(dict.fromkeys(checked_url(url) for url in urls))
        self._index = 0
        self._moved_at = 0.0

    def at(self, now: float) -> str:
        """The one to use now, without its last slash; ``now`` is in seconds of a clock that never goes back."""
        if self._index and now - self._moved_at >= _PREFER_SECONDS:
            self._index = 0
        return self._urls[self._index]

    def failed(self, url: str, now: float) -> None:
        """There was no answer at ``url``. What is told of an address that is not used any more changes nothing."""
        if same_origin(url, self._urls[self._index]):
            self._index = (self._index + 1) % len(self._urls)
            self._moved_at = now

    def here(self, url: str, now: float) -> str | None:
        """A URL that one of the addresses gave, as it is at the one to use now; ``None`` for a URL from elsewhere."""
        if not any(same_origin(url, each) for each in self._urls):
            return None
        ours, parts = urlsplit(self.at(now)), urlsplit(url)
        return parts._replace(scheme=ours.scheme, netloc=ours.netloc).geturl()


def checked_url(url: str) -> str:
    """The URL without its last slash.

    Raises:
        SettingsError: it is not an ``https://`` one of a host, or has a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        sound = bool(parts.scheme == "https" and parts.hostname and parts.port != 0)
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"the queue's URL is {url!r}; it must look like https://queue.example:8443")
    return url.rstrip("/")


def same_origin(url: str, base: str) -> bool:
    """Whether ``url`` is on the same scheme, host and port as ``base``; what cannot be parsed is not."""
    try:
        one, other = urlsplit(url), urlsplit(base)
        ports = one.port or 443, other.port or 443
    except ValueError:
        return False
    return (one.scheme, one.hostname, ports[0]) == (other.scheme, other.hostname, ports[1]) and one.username is None
