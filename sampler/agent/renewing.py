"""Newer versions of the accepted statement: carried over where they only narrow, offered to the owner where they widen.

Until the owner accepts the newer one, the accepted one stays what is enforced and what can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from sampler.agent.consents import ConsentStore
from sampler.errors import ConsentError, JournalError
from sampler.permit import Consent, Statement, carried, shipped_statements, widenings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Renewal:
    """A newer version of what was accepted."""

    consent: Consent
    old: Statement
    new: Statement

    @property
    def widened(self) -> tuple[str, ...]:
        """What it would let happen that the accepted one does not, for the scopes that stand."""
        return widenings(self.old, self.new, self.consent.scopes)

    def carried(self, now: datetime) -> Consent | None:
        """The consent under the newer version; ``None``: the owner has to accept it first."""
        return carried(self.consent, self.old, self.new, now)

    def __str__(self) -> str:
        """For the owner, in one line."""
        what = "; ".join(self.widened) or "nothing of what you accepted is left in it"
        return f"{self.new} is there and widens: {what}. {self.old} stays in force until you accept the newer one"


def newer_version(store: ConsentStore, statements: Iterable[Statement] | None = None) -> Renewal | None:
    """The newest version of the accepted statement, where there is one and something stands.

    Args:
        store: whose consent.
        statements: to look among; those that ship.

    Raises:
        ConsentError: the consent is damaged.
    """
    consent = store.load()
    if consent is None or not consent.scopes:
        return None
    old = store.statement()
    known = shipped_statements() if statements is None else statements
    newer = [new for new in known if (new.id, new.region) == (old.id, old.region) and new.version > old.version]
    return Renewal(consent, old, max(newer, key=lambda new: new.version)) if newer else None


def carry_over(store: ConsentStore, now: datetime, statements: Iterable[Statement] | None = None) -> Renewal | None:
    """Carry the consent over to a newer version that only narrows; one that widens is returned, for the owner.

    Raises:
        ConsentError: the consent is damaged, or the newer statement can no longer be accepted.
    """
    renewal = newer_version(store, statements)
    if renewal is None:
        return None
    consent = renewal.carried(now)
    if consent is None:
        return renewal
    store.carry(consent, renewal.new, now)
    log.info("the consent went over to a newer statement that only narrows", statement=str(renewal.new))
    return None


def look_for_newer(store: ConsentStore, now: datetime) -> None:
    """What the agent does at its start; nothing of it keeps the agent from starting."""
    try:
        if (renewal := carry_over(store, now)) is not None:
            log.warning("a newer statement waits for the owner", see="sampler consent show", detail=str(renewal))
    except (ConsentError, JournalError) as error:
        log.error("whether a newer statement is there cannot be told", error=str(error))
