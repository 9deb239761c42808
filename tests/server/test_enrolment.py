from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sampler.identity import agent_id_of, make_host_key
from sampler.server import Listening, QueueSettings, create_token, list_devices, list_tokens
from sampler.wire.codec import decode
from sampler.wire.messages import EnrollAnswer, EnrollRequest
from sampler.wire.routes import Role

Call = Callable[..., Coroutine[Any, Any, Any]]
Person = Callable[[Role], Call]


async def test_a_host_gets_its_identity_once(
    person: Person, settings: QueueSettings, where: Callable[[], Listening]
) -> None:
    """The certificate names the host that the ledger records, and the token is used up by it."""
    call = person(Role.ENROLL)
    request = EnrollRequest(csr=make_host_key().csr_pem)
    reply = await call("POST", "/v1/enroll", message=request)
    assert reply.status == 201
    answer = decode(reply.body, EnrollAnswer)
    assert agent_id_of(ssl.PEM_cert_to_DER_cert(answer.certificate)) == answer.agent_id
    assert answer.ca == (settings.authority_folder / "ca.pem").read_text()
    assert answer.url == f"https://localhost:{where().hosts[1]}"
    assert [device.agent_id for device in list_devices(settings)] == [answer.agent_id]
    assert (await call("POST", "/v1/enroll", message=request)).status == 401
    assert len(list_devices(settings)) == 1


async def test_of_two_at_the_same_time_one_enrolls(person: Person, settings: QueueSettings) -> None:
    """Requests that race for one token make one device."""
    call = person(Role.ENROLL)
    requests = [EnrollRequest(csr=make_host_key().csr_pem) for _ in range(4)]
    replies = await asyncio.gather(*(call("POST", "/v1/enroll", message=request) for request in requests))
    assert sorted(reply.status for reply in replies) == [201, 401, 401, 401]
    assert len(list_devices(settings)) == 1


async def test_a_bad_signing_request_leaves_the_token(person: Person, settings: QueueSettings) -> None:
    """What is no signing request is 422, and the token may be used again."""
    call = person(Role.ENROLL)
    for csr in ("", "not a request", make_host_key().csr_pem.replace("A", "B")):
        reply = await call("POST", "/v1/enroll", message=EnrollRequest(csr=csr))
        assert (reply.status, reply.problem) == (422, "signing-request")
    assert [token.ended for token in list_tokens(settings)] == [None]
    assert (await call("POST", "/v1/enroll", message=EnrollRequest(csr=make_host_key().csr_pem))).status == 201


@pytest.mark.parametrize("role", [Role.WORKER, Role.ANALYST, Role.ADMIN])
async def test_other_tokens_enroll_nobody(person: Person, role: Role) -> None:
    """Only an enrolment token does."""
    request = EnrollRequest(csr=make_host_key().csr_pem)
    assert (await person(role)("POST", "/v1/enroll", message=request)).status == 403


async def test_anybody_may_have_the_authoritys_certificate(anybody: Call, settings: QueueSettings) -> None:
    """It is public; its fingerprint is what people compare."""
    reply = await anybody("GET", "/v1/ca.pem")
    assert (reply.status, reply.content_type) == (200, "application/pem-certificate-chain")
    assert reply.body.decode() == (settings.authority_folder / "ca.pem").read_text()


async def test_an_outdated_token_is_401(anybody: Call, settings: QueueSettings, current: Any) -> None:
    """A token whose time is over lets nobody in."""
    token = create_token(settings, Role.ENROLL, name="brief", days=1e-9, now=current)
    request = EnrollRequest(csr=make_host_key().csr_pem)
    reply = await anybody("POST", "/v1/enroll", message=request, headers={"Authorization": f"Bearer {token}"})
    assert (reply.status, reply.problem) == (401, "token")
