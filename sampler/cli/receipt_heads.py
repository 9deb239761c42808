"""Heads of a queue's log as files, and the proof that two of them belong together."""

from __future__ import annotations

from pathlib import Path

from sampler import identity
from sampler.agent.consents import ConsentStore
from sampler.agent.delivery_terms import terms_of
from sampler.agent.places import AgentPlaces
from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.receipt_standing import Standing, StandingFile
from sampler.agent.settings import AgentSettings
from sampler.errors import ConsentError, IdentityError, NotFound, RequestError
from sampler.identity import PublicKey
from sampler.limits import RECEIPT_STANDING_MAX_BYTES
from sampler.upload import QueueLink
from sampler.wire.codec import DecodeError, decode
from sampler.wire.receipt_messages import KeptHead, LogProof


def believed_key(where: AgentPlaces) -> PublicKey | None:
    """The pinned key, or what the agent says it is to users who may not read it; ``None`` where there is none."""
    try:
        key = PinnedKey(where.receipt_key).load()
    except IdentityError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        key = None
    if key is not None:
        return key
    standing = StandingFile(where.receipts).read()
    return None if standing is None else PublicKey.parse(standing.key)


def standing_of(where: AgentPlaces) -> Standing:
    """How far this host has followed its queue's log, which it has seen at least once.

    Raises:
        NotFound: it has not.
        ReceiptError: what is kept cannot be read.
    """
    standing = StandingFile(where.receipts).read()
    if standing is None or standing.head is None:
        raise NotFound("this host has seen no head of its queue's log yet; is the agent running, with a consent?")
    return standing


def kept_head(file: Path) -> KeptHead:
    """A head that ``sampler receipts head`` or ``sampler queue log head`` printed.

    Raises:
        RequestError: it is none.
    """
    try:
        with file.open("rb") as opened:
            return decode(opened.read(RECEIPT_STANDING_MAX_BYTES), KeptHead)
    except (OSError, DecodeError) as error:
        raise RequestError(f"{file}: not a head of a log: {error}") from error


async def ask_for_proof(settings: AgentSettings, where: AgentPlaces, first: int, second: int) -> LogProof:
    """The queue's proof that its log of ``second`` receipts begins with that of ``first``; empty where none is needed.

    Raises:
        ConsentError: the owner's consent does not stand, so the queue is not spoken to.
        IdentityError: this user may not use the host's identity.
        DeliveryError: the queue gave no proof.
    """
    if first in (0, second):
        return LogProof()
    consent = ConsentStore(where.consent).load()
    if consent is None or not consent.scopes:
        raise ConsentError("P1 no-consent: without a consent the queue is not asked for a proof")
    tls = identity.host_client_context(where.ca, where.certificate, where.key)
    async with QueueLink(settings.queue.url, tls, also=settings.queue.also, terms=terms_of(settings.queue)) as link:
        return await link.receipts.consistency(first, second)
