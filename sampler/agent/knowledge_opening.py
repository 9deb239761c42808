"""Opens what an agent knows of bytes by their hash, and what it owes the administrator's command."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from sampler.agent.consents import ConsentStore
from sampler.agent.knowledge import Knowledge
from sampler.agent.known_good import KnownGood
from sampler.agent.lookup import LookUp
from sampler.agent.on_verdict import VerdictCaller
from sampler.agent.on_verdict_checking import checked
from sampler.agent.places import AgentPlaces
from sampler.agent.policies import policy_of
from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.settings import AgentSettings
from sampler.agent.verdicts import Verdicts
from sampler.errors import StorageError
from sampler.journal import Journal
from sampler.runtime.clock import Clock
from sampler.runtime.durable import make_private_folder
from sampler.spool import Spool
from sampler.storage.sqlite_calls import SqliteCalls
from sampler.storage.sqlite_known import SqliteKnown
from sampler.upload import QueueLink

log = structlog.get_logger()

_OF_SQLITE: Final = ("", "-wal", "-shm")


def open_knowledge(
    settings: AgentSettings, places: AgentPlaces, spool: Spool, journal: Journal, clock: Clock
) -> Knowledge:
    """Open, creating what is not there yet. Blocking.

    Raises:
        SettingsError: the command about verdicts cannot be run as set.
        StorageError: what is owed to it cannot be read.
    """
    make_private_folder(places.known.parent)
    on_verdict = checked(settings.on_verdict)
    return Knowledge(
        verdicts=Verdicts(_known(places.known), clock, settings.verdicts.max_seconds),
        caller=VerdictCaller(SqliteCalls(places.calls), on_verdict, clock, random.random),
        spool=spool,
        journal=journal,
        good=KnownGood(places.known_good, PinnedKey(places.receipt_key), clock)
        if settings.known_good.enabled
        else None,
    )


def with_look_ups(
    knowledge: Knowledge, link: QueueLink | None, consents: ConsentStore, settings: AgentSettings, clock: Clock
) -> Knowledge:
    """The same, asking this queue as well; ``None``: there is none to ask."""
    if link is None:
        return knowledge
    policy = policy_of(settings.policy)
    asking = LookUp(link.lookups, knowledge.verdicts, knowledge.journal, consents, policy, settings.lookup, clock)
    return replace(knowledge, lookup=asking)


def _known_good(places: AgentPlaces, clock: Clock) -> KnownGood:
    return KnownGood(places.known_good, PinnedKey(places.receipt_key), clock)


def _known(path: Path) -> SqliteKnown:
    """A damaged file of verdicts is no loss: it is begun anew."""
    try:
        return SqliteKnown(path)
    except StorageError as error:
        log.error("remembered verdicts cannot be read and are forgotten", error=str(error))
    for end in _OF_SQLITE:
        path.with_name(path.name + end).unlink(missing_ok=True)
    return SqliteKnown(path)
