"""The queue's HTTPS service: two listeners over one queue, from the settings to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from yarl import URL

from sampler.errors import SettingsError
from sampler.identity import Authority, SigningKey, hosts_server_context, people_server_context
from sampler.identity.authority import CERTIFICATE_FILE
from sampler.queue import Queue
from sampler.runtime.clock import Clock, SystemClock
from sampler.server.applications import Applications
from sampler.server.enrolment import Issuing
from sampler.server.keys import receipt_key
from sampler.server.listening import Place, answering, bound, place_of
from sampler.server.settings import QueueSettings, join_address, split_address
from sampler.storage.opening import open_blobs, open_ledger, open_peers

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the two listeners really are."""

    hosts: Place
    people: Place


async def serve(settings: QueueSettings, *, started: Callable[[Listening], None] | None = None) -> None:
    """Serve until cancelled. ``started`` is called once both listeners answer.

    Raises:
        SettingsError: a place to listen at is wrong or taken, or another process serves this state.
        IdentityError: a key or certificate cannot be used.
        StorageError: ledger or contents cannot be opened.
    """
    with (
        contextlib.nullcontext() if settings.is_shared else _sole_server(settings.folder),
        bound(settings.hosts_listen) as hosts,
        bound(settings.people_listen) as people,
    ):
        _allow_every_connection()
        clock = SystemClock()
        signer = receipt_key(settings.folder)
        async with _queue(settings, clock, signer) as queue:
            issuing = _issuing(settings, signer, Listening(place_of(hosts), place_of(people)))
            apps = Applications(queue, issuing, clock, object_max_bytes=settings.uploads.object_max_bytes)
            await _answer(settings, queue, apps, (hosts, people), started)


def _allow_every_connection() -> None:
    """Many systems let a process have 1,024 descriptors unless it asks; two doors full of connections take more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _answer(
    settings: QueueSettings,
    queue: Queue,
    apps: Applications,
    sockets: tuple[socket.socket, socket.socket],
    started: Callable[[Listening], None] | None,
) -> None:
    hosts, people = sockets
    hosts_tls = hosts_server_context(settings.certificate, settings.key, settings.authority_folder / CERTIFICATE_FILE)
    people_tls = people_server_context(settings.certificate, settings.key)
    where = Listening(place_of(hosts), place_of(people))
    async with answering(hosts, apps.hosts, hosts_tls), answering(people, apps.people, people_tls):
        log.info("the queue answers", hosts=join_address(*where.hosts), people=join_address(*where.people))
        if started is not None:
            started(where)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            queue.end_waiting()


def _issuing(settings: QueueSettings, signer: SigningKey, where: Listening) -> Issuing:
    authority = Authority.load(settings.authority_folder)
    return Issuing(authority, _hosts_url(settings, where), settings.host_certificate_days, signer.public)


def _queue(settings: QueueSettings, clock: Clock, signer: SigningKey) -> Queue:
    blobs = open_blobs(settings.blobs_url, reserve_bytes=settings.uploads.reserve_bytes)
    peers = open_peers(settings.ledger_url)
    return Queue(open_ledger(settings.ledger_url), blobs, clock, settings.policy, signer=signer, peers=peers)


def _hosts_url(settings: QueueSettings, where: Listening) -> str:
    if not settings.hosts_url:
        host, _ = split_address(settings.hosts_listen)
        return f"https://{join_address(host, where.hosts[1])}"
    url = URL(settings.hosts_url)
    return str(url.with_port(where.hosts[1])).rstrip("/") if url.explicit_port == 0 else settings.hosts_url


@contextlib.contextmanager
def _sole_server(folder: Path) -> Iterator[None]:
    """Two servers over one state would each throw away what the other is taking in."""
    try:
        descriptor = os.open(folder / "serving.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}; make a queue with: sampler queue init") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SettingsError(f"{folder}: another process serves this queue; stop it first") from error
    finally:
        os.close(descriptor)
