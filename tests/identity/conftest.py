"""Throwaway authorities and the files that they issue."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.identity import Authority, make_host_key

AGENT_ID = "0b8f9c1e-5a55-4c0b-9a2f-3f4f5a6b7c8d"


@dataclass(frozen=True, slots=True)
class Issued:
    """One authority with a server's and a host's files beside it."""

    authority: Authority
    ca: Path
    ca_key: Path
    server: Path
    server_key: Path
    host: Path
    host_key: Path
    agent_id: str = AGENT_ID


def _write(path: Path, text: str, mode: int) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def now() -> datetime:
    """The moment that everything is issued at: the real one, for OpenSSL has no other clock."""
    return datetime.now(UTC)


@pytest.fixture
def agent_id() -> str:
    return AGENT_ID


@pytest.fixture
def issue(tmp_path: Path, now: datetime) -> Callable[..., Issued]:
    """Make an authority and its server's and host's files: ``issue(name, at=…)``."""

    def make(name: str = "first", at: datetime | None = None, days: int = 365) -> Issued:
        moment = at or now
        folder = tmp_path / name
        authority = Authority.create(folder, f"{name} authority", moment)
        server = authority.issue_server(["localhost", "127.0.0.1"], moment)
        host = make_host_key()
        return Issued(
            authority,
            folder / "ca.pem",
            folder / "ca.key",
            _write(folder / "server.pem", server.certificate_pem, 0o644),
            _write(folder / "server.key", server.key_pem, 0o600),
            _write(folder / "host.pem", authority.issue_host(host.csr_pem, AGENT_ID, moment, days=days), 0o644),
            _write(folder / "host.key", host.key_pem, 0o600),
        )

    return make


@pytest.fixture
def issued(issue: Callable[..., Issued]) -> Issued:
    return issue()


@dataclass(slots=True)
class Ends:
    """Both ends of a TLS connection in memory."""

    client: ssl.SSLObject
    server: ssl.SSLObject
    to_server: ssl.MemoryBIO
    to_client: ssl.MemoryBIO


def _advance(step: Callable[[], object]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.fixture
def connect() -> Callable[..., Ends]:
    """Shake hands in memory: ``connect(client_context, server_context, name)``; raises what the failing end raises."""

    def shake(client: ssl.SSLContext, server: ssl.SSLContext, name: str | None = "localhost") -> Ends:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = Ends(
            client.wrap_bio(to_client, to_server, server_hostname=name),
            server.wrap_bio(to_server, to_client, server_side=True),
            to_server,
            to_client,
        )
        for _ in range(10):
            done = [_advance(ends.client.do_handshake), _advance(ends.server.do_handshake)]
            if all(done):
                return ends
        raise AssertionError("the handshake makes no progress")

    return shake
