"""The TLS contexts, each against a real peer."""

from __future__ import annotations

import contextlib
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import IdentityError
from sampler.identity import (
    host_client_context,
    hosts_server_context,
    people_client_context,
    people_server_context,
)
from sampler.identity.names import agent_id_of


def _hosts(issued: Any) -> ssl.SSLContext:
    return hosts_server_context(issued.server, issued.server_key, issued.ca)


def _host(issued: Any) -> ssl.SSLContext:
    return host_client_context(issued.ca, issued.host, issued.host_key)


def test_host_and_queue_know_each_other(issued: Any, connect: Any, agent_id: str) -> None:
    """A host with its certificate gets through, over TLS 1.3, and the queue learns who it is."""
    ends = connect(_host(issued), _hosts(issued))
    assert ends.client.version() == ends.server.version() == "TLSv1.3"
    assert agent_id_of(ends.server.getpeercert(True)) == agent_id


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_people_recognize_the_queue(issued: Any, connect: Any, name: str) -> None:
    """A person's side accepts the queue under each of its names and shows no certificate."""
    context = people_server_context(issued.server, issued.server_key)
    ends = connect(people_client_context(issued.ca), context, name)
    assert ends.server.getpeercert(True) is None


def test_another_name_is_refused(issued: Any, connect: Any) -> None:
    """The queue's certificate is not good for a name that it does not list."""
    context = people_server_context(issued.server, issued.server_key)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        connect(people_client_context(issued.ca), context, "other.example.org")


def test_another_authoritys_queue_is_refused(issued: Any, issue: Any, connect: Any) -> None:
    """A client with another CA does not talk to this queue."""
    context = people_server_context(issued.server, issued.server_key)
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        connect(people_client_context(issue("second").ca), context)


def test_host_without_a_certificate_is_refused(issued: Any, connect: Any) -> None:
    """On the hosts' listener nobody gets through without a certificate."""
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate"):
        connect(people_client_context(issued.ca), _hosts(issued))


def test_host_of_another_authority_is_refused(issued: Any, issue: Any, connect: Any) -> None:
    """A certificate that another authority issued does not open the hosts' listener."""
    other = issue("second")
    context = people_client_context(issued.ca)
    context.load_cert_chain(other.host, other.host_key)
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        connect(context, _hosts(issued))


def test_a_servers_certificate_is_no_hosts(issued: Any, connect: Any) -> None:
    """Whoever steals the server's key cannot deliver with it."""
    context = people_client_context(issued.ca)
    context.load_cert_chain(issued.server, issued.server_key)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)purpose"):
        connect(context, _hosts(issued))


def test_expired_host_is_refused_by_the_queue(issue: Any, connect: Any, now: datetime) -> None:
    """A host whose certificate has ended does not get through, however it came to be sent."""
    issued = issue(at=now - timedelta(days=30), days=7)
    context = people_client_context(issued.ca)
    context.load_cert_chain(issued.host, issued.host_key)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        connect(context, _hosts(issued))


@pytest.mark.parametrize("side", ["client", "server"])
def test_tls_1_2_is_refused(issued: Any, connect: Any, side: str) -> None:
    """A peer that speaks TLS 1.2 at most is refused, whichever end it is."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if side == "client" else ssl.PROTOCOL_TLS_SERVER)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    if side == "client":
        old.load_verify_locations(issued.ca)
        pair = (old, people_server_context(issued.server, issued.server_key))
    else:
        old.load_cert_chain(issued.server, issued.server_key)
        pair = (people_client_context(issued.ca), old)
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
        connect(*pair)


@pytest.mark.parametrize("tickets", [None, 2])
def test_no_session_ticket_is_issued(issued: Any, connect: Any, tickets: int | None) -> None:
    """A client gets nothing to resume a session with; with tickets turned on, as a check of this test, it does."""
    context = _hosts(issued)
    if tickets is not None:
        context.num_tickets = tickets
    ends = connect(_host(issued), context)
    ends.server.write(b"x")
    with contextlib.suppress(ssl.SSLWantReadError):
        assert ends.client.read(1) == b"x"
    session = ends.client.session
    assert (session is not None and session.has_ticket) == (tickets is not None)


def test_contexts_are_strict(issued: Any) -> None:
    """Every context verifies strictly and speaks TLS 1.3 only; clients check the name."""
    contexts = [
        _hosts(issued),
        people_server_context(issued.server, issued.server_key),
        _host(issued),
        people_client_context(issued.ca),
    ]
    assert all(context.verify_flags & ssl.VERIFY_X509_STRICT for context in contexts)
    assert all(context.minimum_version is ssl.TLSVersion.TLSv1_3 for context in contexts)
    assert [context.verify_mode for context in contexts] == [
        ssl.CERT_REQUIRED,
        ssl.CERT_NONE,
        ssl.CERT_REQUIRED,
        ssl.CERT_REQUIRED,
    ]
    assert [context.check_hostname for context in contexts] == [False, False, True, True]


def test_expired_files_are_named(issued: Any, now: datetime) -> None:
    """A host's certificate that has ended is named with the command that renews it."""
    with pytest.raises(IdentityError, match=rf"{issued.host}: expired on .*sampler agent enroll"):
        host_client_context(issued.ca, issued.host, issued.host_key, now=now + timedelta(days=366))
    with pytest.raises(IdentityError, match=rf"{issued.ca}: expired on"):
        people_client_context(issued.ca, now=now + timedelta(days=3651))
    with pytest.raises(IdentityError, match=rf"{issued.server}: not valid before"):
        people_server_context(issued.server, issued.server_key, now=now - timedelta(days=1))


def test_mismatched_files_are_named(issued: Any, issue: Any) -> None:
    """A certificate beside another's key, and one of another authority, are told apart and named."""
    other = issue("second")
    with pytest.raises(IdentityError, match=rf"{issued.host}: belongs to another key than {other.host_key}"):
        host_client_context(issued.ca, issued.host, other.host_key)
    with pytest.raises(IdentityError, match=rf"{other.host}: was not issued by the authority in {issued.ca}"):
        host_client_context(issued.ca, other.host, other.host_key)


def test_swapped_files_are_named(issued: Any) -> None:
    """A server's certificate in a host's place, the reverse, and a leaf in the CA's place are refused."""
    with pytest.raises(IdentityError, match=rf"{issued.server}: was issued for another purpose"):
        host_client_context(issued.ca, issued.server, issued.server_key)
    with pytest.raises(IdentityError, match=rf"{issued.host}: was issued for another purpose"):
        people_server_context(issued.host, issued.host_key)
    with pytest.raises(IdentityError, match=rf"{issued.server}: not the certificate of an authority"):
        people_client_context(issued.server)


def test_readable_key_is_refused(issued: Any) -> None:
    """No listener starts with a key that others can read."""
    issued.server_key.chmod(0o644)
    with pytest.raises(IdentityError, match=f"chmod 600 {issued.server_key}"):
        _hosts(issued)


def test_a_bundle_may_hold_an_ended_authority(issue: Any, connect: Any, now: datetime, tmp_path: Path) -> None:
    """While authorities are changed the CA file holds both; the old one's end breaks nothing."""
    old, new = issue("old", at=now - timedelta(days=3660)), issue("new")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(old.ca.read_bytes() + new.ca.read_bytes())
    ends = connect(people_client_context(bundle), people_server_context(new.server, new.server_key))
    assert ends.client.version() == "TLSv1.3"
