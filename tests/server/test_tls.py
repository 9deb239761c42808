"""Who gets through the handshake, on real sockets."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sampler.identity import Authority, make_host_key
from sampler.server import Listening, QueueSettings, revoke_device

Call = Callable[..., Awaitable[Any]]
Where = Callable[[], Listening]


async def _status(port: int, tls: ssl.SSLContext) -> bytes:
    """The first line of the answer to a request for ``/healthz``; empty when the server hangs up instead."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await reader.readline()
    finally:
        writer.close()


def _client(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


def _issue(authority: Authority, folder: Path, now: datetime, days: int) -> tuple[Path, Path]:
    key = make_host_key()
    certificate = authority.issue_host(key.csr_pem, str(uuid.uuid4()), now, days=days)
    (folder / "host.pem").write_text(certificate)
    (folder / "host.key").write_text(key.key_pem)
    return folder / "host.pem", folder / "host.key"


async def _refused(port: int, tls: ssl.SSLContext) -> bool:
    """Whether the server hung up, with an alert or without."""
    try:
        return await _status(port, tls) == b""
    except (ssl.SSLError, ConnectionError):
        return True


async def test_an_enrolled_host_gets_through(where: Where, host_tls: tuple[str, ssl.SSLContext]) -> None:
    """The handshake that the others fail at works with an enrolled host's certificate."""
    assert (await _status(where().hosts[1], host_tls[1])).startswith(b"HTTP/1.1 200")


async def test_no_client_certificate_no_answer(settings: QueueSettings, where: Where) -> None:
    """At the hosts' door a client without a certificate is hung up on."""
    assert await _refused(where().hosts[1], _client(settings.authority_folder / "ca.pem"))


async def test_a_certificate_of_another_authority_is_refused(
    settings: QueueSettings, where: Where, tmp_path: Path, current: datetime
) -> None:
    """A certificate that names a host, but of a foreign authority of the same name, gets nowhere."""
    tls = _client(settings.authority_folder / "ca.pem")
    foreign = Authority.create(tmp_path / "foreign", "Sampler queue", current)
    tls.load_cert_chain(*_issue(foreign, tmp_path, current, 30))
    assert await _refused(where().hosts[1], tls)


async def test_an_expired_certificate_is_refused(
    settings: QueueSettings, where: Where, tmp_path: Path, current: datetime
) -> None:
    """A host whose certificate ran out yesterday gets nowhere; the same with a later end gets through."""
    authority = Authority.load(settings.authority_folder)
    for days, refused in ((1, True), (9, False)):
        tls = _client(settings.authority_folder / "ca.pem")
        tls.load_cert_chain(*_issue(authority, tmp_path, current - timedelta(days=2), days))
        assert await _refused(where().hosts[1], tls) == refused


async def test_a_client_that_trusts_another_authority_hangs_up(where: Where, tmp_path: Path, current: datetime) -> None:
    """A server of the wrong authority gets no request from a client that checks."""
    Authority.create(tmp_path / "foreign", "Sampler queue", current)
    with pytest.raises(ssl.SSLCertVerificationError):
        await _status(where().people[1], _client(tmp_path / "foreign" / "ca.pem"))


@pytest.mark.parametrize("door", ["hosts", "people"])
async def test_tls_1_2_is_refused(where: Where, host_tls: tuple[str, ssl.SSLContext], door: str) -> None:
    """Neither door speaks anything older than TLS 1.3, to a client that it would let in otherwise."""
    port, tls = getattr(where(), door)[1], host_tls[1]
    assert not await _refused(port, tls)
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await _refused(port, tls)


async def test_a_revoked_host_is_refused_on_its_open_connection(
    settings: QueueSettings, host: Call, host_tls: tuple[str, ssl.SSLContext], current: datetime
) -> None:
    """A revocation counts from the next request on, without a new handshake."""
    assert (await host("GET", "/v1/verdicts")).status == 200
    revoke_device(settings, host_tls[0], now=current)
    reply = await host("GET", "/v1/verdicts")
    assert reply.status == 403
    assert b"has been revoked" in reply.body


async def test_a_certificate_that_was_never_enrolled_is_refused(
    settings: QueueSettings, where: Where, tmp_path: Path, current: datetime
) -> None:
    """A certificate of our own authority is not enough: the ledger has to know its device."""
    tls = _client(settings.authority_folder / "ca.pem")
    tls.load_cert_chain(*_issue(Authority.load(settings.authority_folder), tmp_path, current, 30))
    url = f"https://localhost:{where().hosts[1]}/v1/verdicts"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as reply:
        assert reply.status == 403
        assert b"not enrolled" in await reply.read()
