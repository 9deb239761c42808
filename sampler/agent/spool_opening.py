"""Opening the spool of one host: its keys, its ledger, what a crash left, and ends that the journal did not hear of."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from sampler.agent.places import AgentPlaces
from sampler.agent.settings import SpoolSection
from sampler.journal import Journal
from sampler.model import ObjectState
from sampler.runtime.durable import make_private_folder
from sampler.runtime.key_ring import KeyRing
from sampler.spool import ContentFolder, Ended, Spool
from sampler.storage.sqlite_spool import SqliteSpoolLedger

log = structlog.get_logger()


def key_ring(places: AgentPlaces) -> KeyRing:
    """The keys that contents and snapshots at rest are encrypted with; none is made."""
    return KeyRing(places.keys, first=places.seal_key)


def content_folder(places: AgentPlaces) -> ContentFolder:
    """The spool's content files, to be read; nothing is made."""
    return ContentFolder(places.spool / "contents", key_ring(places))


def open_spool(places: AgentPlaces, settings: SpoolSection, journal: Journal, now: datetime) -> Spool:
    """Open, creating what is not there yet; blocking.

    Raises:
        SealError: a key is none.
        StorageError: the ledger cannot be opened, or is damaged.
        JournalError: an end cannot be written down.
    """
    keys = key_ring(places)
    keys.rotate(now, timedelta(days=settings.key_days))

    def note(end: Ended) -> None:
        kind = "expired" if end.state is ObjectState.EXPIRED else "evicted"
        journal.append(kind, end.event_id, end.at, {"why": end.why, "detail": end.detail})

    spool = Spool(
        make_private_folder(places.spool),
        SqliteSpoolLedger(places.spool / "ledger.sqlite"),
        keys,
        max_bytes=settings.max_bytes,
        reserve_bytes=settings.reserve_bytes,
        on_ended=note,
    )
    spool.upkeep.tell()
    for removed in spool.sweep():
        log.info("removed what an interrupted write left", file=removed)
    return spool
