"""How the consent stands, in one line for ``sampler agent status``."""

from __future__ import annotations

from datetime import datetime

from sampler.agent.consents import ConsentStore
from sampler.agent.renewing import newer_version
from sampler.errors import ConsentError, JournalError
from sampler.permit import Consent


def standing_line(store: ConsentStore, now: datetime) -> str:
    """What stands, by whom, until when, and whether a newer statement waits; damage in its own words."""
    try:
        consent = store.load()
        renewal = newer_version(store)
    except (ConsentError, JournalError) as error:
        return str(error)
    if consent is None or not consent.scopes:
        return "none: nothing leaves this machine; see sampler consent show"
    line = _described(consent)
    if not consent.stands(now):
        return f"expired, nothing leaves this machine: {line}"
    return line if renewal is None else f"{line}. {renewal}"


def _described(consent: Consent) -> str:
    statement, until = consent.statement, ""
    if consent.expires is not None:
        until = f" until {consent.expires:%Y-%m-%dT%H:%M:%SZ}"
    return f"{statement.id} version {statement.version}, by {consent.by}{until}: {', '.join(sorted(consent.scopes))}"
