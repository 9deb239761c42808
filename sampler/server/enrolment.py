"""How a host gets its identity: a token that works once, and a signing request."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from sampler.errors import IdentityError
from sampler.identity import Authority, PublicKey, expiry_of, serial_of
from sampler.queue import Device, Queue, TokenRecord
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.problems import Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.messages import EnrollAnswer, EnrollRequest
from sampler.wire.routes import Route


@dataclass(frozen=True, slots=True)
class Issuing:
    """What is given to a host that enrols."""

    authority: Authority
    hosts_url: str
    days: int
    """How long its certificate is valid."""
    receipt_key: PublicKey
    """What it checks this queue's receipts with from then on."""


class Enrolment:
    """Answers to hosts that are not known yet."""

    def __init__(self, queue: Queue, issuing: Issuing, clock: Clock) -> None:
        self._queue = queue
        self._issuing = issuing
        self._clock = clock

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.ENROLL: self.enroll, routes.CA: self.ca}

    async def ca(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The authority's certificate, PEM (RFC 8555, section 9.1 names the media type)."""
        return web.Response(
            body=self._issuing.authority.certificate_pem.encode("ascii"),
            content_type="application/pem-certificate-chain",
        )

    async def enroll(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Issue one certificate and use the token up; it is used up by nothing but success."""
        assert caller.token is not None  # the people's gate let it in by its role
        asked = await read_message(request, EnrollRequest)
        agent_id = str(uuid.uuid4())
        certificate = await self._issue(asked.csr, agent_id)
        device = _device(certificate, agent_id, caller.token, self._clock.now())
        try:
            await self._queue.enroll(caller.token.digest, device)
        except IdentityError as error:
            raise Refused(401, "token", str(error)) from error
        authority = self._issuing.authority
        answer = EnrollAnswer(
            agent_id=agent_id,
            certificate=certificate,
            ca=authority.certificate_pem,
            url=self._issuing.hosts_url,
            receipt_key=str(self._issuing.receipt_key),
        )
        return message(answer, status=201)

    async def _issue(self, csr: str, agent_id: str) -> str:
        issuing = self._issuing
        try:
            return await off_loop(issuing.authority.issue_host, csr, agent_id, self._clock.now(), days=issuing.days)
        except IdentityError as error:
            raise Refused(422, "signing-request", str(error)) from error


def _device(certificate: str, agent_id: str, token: TokenRecord, now: datetime) -> Device:
    der = ssl.PEM_cert_to_DER_cert(certificate)
    return Device(agent_id, serial_of(der), token.name, enrolled=now, expires=expiry_of(der), tenant=token.tenant)
