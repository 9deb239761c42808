"""What ``sampler consent show --json`` prints."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from sampler.agent.consent_acts import ConsentAct
from sampler.agent.traffic import TRAFFIC
from sampler.cli.consent_table import standing_of
from sampler.model import Scope
from sampler.permit import Consent, Statement
from sampler.wire.messages import Message


class SaidToQueue(Message, frozen=True, kw_only=True):
    """One kind of thing that this machine says to the queue."""

    what: str
    when: str


class ConsentShown(Message, frozen=True, kw_only=True):
    """What stands, and what is said to the queue; without a consent only the latter."""

    stands: bool
    statement: str = ""
    version: int | None = None
    region: str = ""
    digest: str = ""
    accepted: datetime | None = None
    by: str = ""
    expires: datetime | None = None
    recipients: tuple[str, ...] = ()
    retention_days: int | None = None
    scopes: dict[str, str] = field(default_factory=dict)
    """Each scope: ``accepted``, ``refused``, ``withdrawn`` or ``not in this statement``."""
    widened: tuple[str, ...] = ()
    """What a newer version that is there would let happen besides."""
    queue: str = ""
    said: tuple[SaidToQueue, ...] = ()


class ActShown(Message, frozen=True, kw_only=True):
    """One act."""

    number: int
    at: datetime
    kind: str
    by: str
    statement: str
    version: int
    digest: str
    scopes: tuple[str, ...]


def shown_consent(
    given: Consent | None, statement: Statement | None, widened: tuple[str, ...], url: str
) -> ConsentShown:
    """The consent that stands, where one does."""
    said = tuple(
        SaidToQueue(what=each.what, when=each.when)
        for each in (TRAFFIC if url else ())
        if given is not None or not each.needs_consent
    )
    if given is None or statement is None:
        return ConsentShown(stands=False, queue=url, said=said)
    return ConsentShown(
        stands=True,
        statement=statement.id,
        version=statement.version,
        region=statement.region.value,
        digest=given.statement.digest,
        accepted=given.at,
        by=given.by,
        expires=given.expires,
        recipients=statement.recipients,
        retention_days=statement.retention_days,
        scopes={scope.value: standing_of(scope, given, statement) for scope in Scope},
        widened=widened,
        queue=url,
        said=said,
    )


def shown_act(act: ConsentAct) -> ActShown:
    """One act."""
    ref = act.consent.statement
    return ActShown(
        number=act.number,
        at=act.at,
        kind=act.kind.value,
        by=act.by,
        statement=ref.id,
        version=ref.version,
        digest=ref.digest,
        scopes=tuple(sorted(act.consent.scopes)),
    )
