"""Why there was no answer, in words that say what to look at. Pure."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from sampler.errors import IdentityRefused, QueueUnreachable

_BROKEN_OFF: Final = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


def converted(error: Exception, what: str, *, fresh: bool) -> QueueUnreachable:
    """The same as one of ours.

    Args:
        error: what aiohttp, TLS or the system raised.
        what: the request, in words.
        fresh: it was the first on its connection and carried no content.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return IdentityRefused(
            f"{what}: the queue's certificate is not trusted: {error.certificate_error}; nothing was sent, check the "
            "CA file and the URL"
        )
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(error.__cause__, ssl.SSLError):
        return IdentityRefused(f"{what}: TLS failed: {error}; check this host's certificate, or enrol the host again")
    return QueueUnreachable(f"{what}: {_unreachable(error, fresh=fresh)}")


def _unreachable(error: Exception, *, fresh: bool) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status} and did not connect; check the setting queue.proxy, or HTTPS_PROXY"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy: {error.os_error}; check the setting queue.proxy, or HTTPS_PROXY"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _BROKEN_OFF):
        return (
            "the other end closed the connection during the TLS handshake; is that the port for hosts, and does it "
            "speak TLS 1.3?"
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error}"
    if isinstance(error, TimeoutError):
        return "the queue did not go on in time"
    if isinstance(error, aiohttp.ClientConnectionError | OSError) and fresh:
        return (
            f"the queue closed the new connection without an answer ({error}); it may have refused this host's "
            "certificate: see the queue's log, and enrol the host again if its certificate expired or was revoked"
        )
    return f"the connection broke: {str(error) or type(error).__name__}"
