"""Everything durable that one agent has, opened in order and swept of what a crash left."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.agent.consents import ConsentStore
from sampler.agent.knowledge import Knowledge
from sampler.agent.knowledge_opening import open_knowledge
from sampler.agent.noted_consents import Noted, NotedConsents
from sampler.agent.owners_clock import OwnersClock
from sampler.agent.places import AgentPlaces
from sampler.agent.receipt_sent import SentBook
from sampler.agent.settings import AgentSettings
from sampler.agent.spool_opening import open_spool
from sampler.journal import Journal, JournalReader
from sampler.runtime.clock import Clock
from sampler.runtime.durable import make_private_folder
from sampler.spool import Spool


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything durable that one agent has."""

    consents: ConsentStore
    journal: Journal
    spool: Spool
    sent: SentBook
    clock: OwnersClock
    """Never behind what the journal saw."""
    knowledge: Knowledge

    @classmethod
    def open(cls, places: AgentPlaces, settings: AgentSettings, clock: Clock) -> Stores:
        """Open, creating what is not there yet, and sweep away what a crash left behind.

        Raises:
            JournalError, SpoolError: what is there is damaged; nothing is sent until it is repaired.
        """
        make_private_folder(places.state, mode=0o755)
        journal = Journal(make_private_folder(places.journal, mode=0o755))
        spool = open_spool(places, settings.spool, journal, clock.now())
        owners, noted = OwnersClock(clock, journal.latest), Noted.last_of(JournalReader(places.journal))
        consents = NotedConsents(make_private_folder(places.consent, mode=0o755), journal, owners, noted)
        sent = SentBook(JournalReader(places.journal))
        knowledge = open_knowledge(settings, places, spool, journal, owners)
        return cls(consents, journal, spool, sent, owners, knowledge)
