"""Getting a host its identity."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from sampler.errors import IdentityError, QueueRefused, QueueUnreachable
from sampler.upload import enroll, fetch_ca

_ID = str(uuid.uuid4())


class Door:
    """The people's side of a queue, as far as enrolment needs it."""

    def __init__(self, ca: str) -> None:
        self.url = ""
        self.ca = ca
        self.answer_ca = ca
        self.status = 201
        self.asked: list[tuple[str, Any]] = []

    async def give_ca(self, request: web.Request) -> web.Response:
        return web.Response(text=self.ca)

    async def enroll(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers["Authorization"], json.loads(await request.read())))
        body = {"agent_id": _ID, "certificate": "PEM", "ca": self.answer_ca, "url": "https://queue:1"}
        return web.Response(status=self.status, body=json.dumps(body).encode())


@pytest.fixture
async def door(parties: Any) -> AsyncIterator[Door]:
    made = Door(parties.authority.certificate.read_text())
    app = web.Application()
    app.router.add_get("/v1/ca.pem", made.give_ca)
    app.router.add_post("/v1/enroll", made.enroll)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=parties.server_context(clients=False)).start()
    made.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def fingerprint(parties: Any) -> str:
    return hashlib.sha256(parties.authority.x509.public_bytes(Encoding.DER)).hexdigest()


@pytest.mark.parametrize("spelling", [lambda f: f"sha256:{f}", lambda f: f, lambda f: f" SHA256:{f.upper()}\n"])
async def test_right_fingerprint(door: Door, fingerprint: str, spelling: Callable[[str], str]) -> None:
    """The CA with the operator's fingerprint is returned, alone and in one form."""
    door.ca = "# a comment\n" + door.ca + "\ntrailing"
    assert await fetch_ca(door.url, spelling(fingerprint)) == door.answer_ca


async def test_wrong_fingerprint(door: Door) -> None:
    """Another CA is refused, with both fingerprints in the message."""
    with pytest.raises(IdentityError, match=f"not sha256:{'0' * 64}; somebody may stand between"):
        await fetch_ca(door.url, "0" * 64)


async def test_two_certificates(door: Door, fingerprint: str, parties: Any) -> None:
    """A certificate that comes along with the right one is not trusted with it."""
    door.ca += parties.stranger.certificate.read_text()
    with pytest.raises(IdentityError, match="2 certificates"):
        await fetch_ca(door.url, fingerprint)


@pytest.mark.parametrize("text", ["", "nothing", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"])
async def test_no_certificate(door: Door, fingerprint: str, text: str) -> None:
    """What is no certificate is a clear error."""
    door.ca = text
    with pytest.raises(IdentityError):
        await fetch_ca(door.url, fingerprint)


@pytest.mark.parametrize("fingerprint", ["", "sha1:" + "0" * 40, "sha256:xyz"])
async def test_fingerprint_that_is_none(fingerprint: str) -> None:
    """A fingerprint that is none is said to be so, before anything is asked."""
    with pytest.raises(IdentityError, match="is not a fingerprint"):
        await fetch_ca("https://127.0.0.1:1", fingerprint)


async def test_enrolled(door: Door) -> None:
    """Token and signing request go to the queue, and its answer comes back."""
    answer = await enroll(door.url, door.ca, "smp_enroll_x", "CSR")
    assert (answer.agent_id, answer.certificate, answer.url) == (_ID, "PEM", "https://queue:1")
    assert door.asked == [("Bearer smp_enroll_x", {"csr": "CSR"})]


async def test_queue_of_another_authority(door: Door, parties: Any) -> None:
    """A queue that cannot prove itself with the checked CA never sees the token."""
    other = parties.stranger.certificate.read_text()
    with pytest.raises(QueueUnreachable, match="not trusted"):
        await enroll(door.url, other, "smp_enroll_x", "CSR")
    assert door.asked == []


async def test_another_authority_in_the_answer(door: Door, parties: Any) -> None:
    """An answer that brings another CA is not taken."""
    door.answer_ca = parties.stranger.certificate.read_text()
    with pytest.raises(IdentityError, match="another CA"):
        await enroll(door.url, door.ca, "smp_enroll_x", "CSR")


@pytest.mark.parametrize(("status", "error"), [(401, IdentityError), (403, IdentityError), (422, QueueRefused)])
async def test_refused(door: Door, status: int, error: type[Exception]) -> None:
    """A refused token is the operator's to replace; a refused request is the queue's own word."""
    door.status = status
    with pytest.raises(error):
        await enroll(door.url, door.ca, "smp_enroll_x", "CSR")
