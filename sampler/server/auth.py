"""Who is calling, asked anew at every request, so that a revocation counts from that moment on.

The checks, in their order, on the hosts' door:

1. TLS has verified the client's certificate against the queue's authority (``identity.hosts_server_context``).
2. The certificate names exactly one agent.
3. The ledger knows the agent, under this serial number, not revoked and not past its end.

On the people's door:

1. The request has one bearer token.
2. The ledger knows its digest, and the token has neither ended nor run out.
3. The route is open to the token's role.
4. What the path names is the token's tenant's; otherwise it is as if it were not there.
"""

from __future__ import annotations

import hmac
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from aiohttp import web

from sampler.errors import IdentityError
from sampler.identity import agent_id_of, serial_of, token_digest
from sampler.limits import CONNECTIONS_MAX_COUNT
from sampler.queue import Actor, Queue, TokenRecord
from sampler.queue.seeing import named_by
from sampler.server.problems import Refused
from sampler.wire.routes import Door, Route
from sampler.wire.tenant_messages import ALL_TENANTS


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let in: a device, the holder of a token, or anybody."""

    device: str | None = None
    token: TokenRecord | None = None

    @property
    def scope(self) -> str | None:
        """The tenant whose things this caller sees among those of all; ``None`` sees all of them."""
        return None if self.token is None else self.token.scope

    @property
    def actor(self) -> Actor:
        """Under whose name it is written down what is done; only routes that need a token ask."""
        assert self.token is not None  # the people's gate lets nobody else in
        return Actor(self.token.name, self.token.role.value, self.token.scope or ALL_TENANTS)

    @property
    def host(self) -> str:
        """The device; only routes of the hosts' door ask."""
        assert self.device is not None  # the hosts' gate lets nobody else in
        return self.device


class Gate(Protocol):
    """Decides who may call a route on one listener."""

    async def admit(self, request: web.Request, route: Route) -> Caller:
        """Who is calling.

        Raises:
            Refused: 401 or 403.
            NotFound: the path names something that this caller may not see.
        """


def is_open(route: Route) -> bool:
    """Whether anybody who can connect may call it."""
    return not route.roles and route.door is not Door.HOSTS


class HostsGate:
    """The hosts' door: the caller is the device that its certificate names."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def admit(self, request: web.Request, route: Route) -> Caller:
        """Who is calling.

        Raises:
            Refused: 403.
        """
        if is_open(route):
            return Caller()
        certificate = _peer_certificate(request)  # 1
        try:
            agent_id, serial = _named(certificate)  # 2
            device = await self._queue.device(agent_id, serial)  # 3
        except IdentityError as error:
            raise Refused(403, "device", str(error)) from error
        return Caller(device=device.agent_id)


class PeopleGate:
    """The people's door: the caller is who holds the token."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def admit(self, request: web.Request, route: Route) -> Caller:
        """Who is calling.

        Raises:
            Refused: 401 or 403.
            NotFound: the path names something of another tenant.
        """
        if is_open(route):
            return Caller()
        digest = token_digest(_bearer(request))  # 1
        token = await self._queue.token(digest)  # 2
        if token is None or not hmac.compare_digest(token.digest, digest):
            raise _unauthorized("this token is unknown, has been used or revoked, or has run out")
        if token.role not in route.roles:  # 3
            allowed = ", ".join(route.roles)
            raise Refused(403, "role", f"a token of role {token.role} may not do this; it takes one of: {allowed}")
        if token.scope is not None:  # 4
            for kind, name in named_by(route.path, request.match_info):
                await self._queue.check_seen(token.scope, kind, name)
        return Caller(token=token)


@lru_cache(maxsize=CONNECTIONS_MAX_COUNT)
def _named(certificate: bytes) -> tuple[str, str]:
    """The agent that a certificate names, and its serial number: the same bytes say the same at each request."""
    return agent_id_of(certificate), serial_of(certificate)


def _peer_certificate(request: web.Request) -> bytes:
    channel = request.transport.get_extra_info("ssl_object") if request.transport else None
    certificate = channel.getpeercert(True) if isinstance(channel, ssl.SSLObject) else None
    if not isinstance(certificate, bytes):
        raise Refused(403, "certificate", "no client certificate; enrol this host and connect with what it gets")
    return certificate


def _bearer(request: web.Request) -> str:
    """RFC 6750, section 2.1."""
    values = request.headers.getall("Authorization", [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("send one header: Authorization: Bearer TOKEN")
    return token


def _unauthorized(detail: str) -> Refused:
    return Refused(401, "token", detail, {"WWW-Authenticate": 'Bearer realm="sampler"'})
