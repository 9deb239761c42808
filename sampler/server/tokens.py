"""Tokens for people, workers and enrolment: made, listed and revoked beside a running server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from sampler.errors import Conflict, NotFound, SettingsError
from sampler.identity import make_token, token_digest
from sampler.queue import LOCAL, Act, Ledger, TokenRecord, note
from sampler.server.settings import QueueSettings
from sampler.storage.opening import open_ledger
from sampler.wire.audit_messages import Action
from sampler.wire.routes import Role
from sampler.wire.tenant_messages import ALL_TENANTS, DEFAULT_TENANT

NAME_MAX_CHARACTERS = 128


def create_token(
    settings: QueueSettings,
    role: Role,
    *,
    name: str,
    days: float,
    now: datetime,
    tenant: str = DEFAULT_TENANT,
    raw: bool = False,
) -> str:
    """Make a token, valid for so many days; only its digest is kept, so this is the one time that it can be seen.

    Its holder sees what is of ``tenant``, or everything where that is ``ALL_TENANTS``; a host that enrols with it is
    the tenant's. ``raw`` lets its holder download bytes as they are, though the role would not.

    Raises:
        SettingsError: the name or the time is not usable, a token of this name is in use, or there is no such tenant.
        StorageError: the ledger cannot be opened.
    """
    if not (0 < len(name) <= NAME_MAX_CHARACTERS and name.isprintable()):
        raise SettingsError(f"a token's name has 1 to {NAME_MAX_CHARACTERS} printable characters, not {name[:160]!r}")
    if not 0 < days <= 3650:
        raise SettingsError(f"a token is valid for more than 0 and at most 3650 days, not {days}")
    token = make_token(role)
    expires = now + timedelta(days=days)
    record = TokenRecord(token_digest(token), role, name, created=now, expires=expires, tenant=tenant, raw=raw)
    with opened_ledger(settings) as ledger:
        _check_tenant(ledger, record)
        try:
            with ledger.transaction():
                ledger.add_token(record)
                note(ledger, Act(LOCAL, Action.TOKEN_CREATE, now, _text(record)), name)
        except Conflict as error:
            raise SettingsError(f"a token named {name!r} is in use; revoke it or choose another name") from error
    return token


def list_tokens(settings: QueueSettings) -> tuple[TokenRecord, ...]:
    """All tokens, ended ones among them, in the order in which they were made.

    Raises:
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger:
        return ledger.tokens()


def revoke_token(settings: QueueSettings, name: str, *, now: datetime) -> None:
    """End the token of this name; it counts from the next request on.

    Raises:
        NotFound: no token of this name is in use.
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger, ledger.transaction():
        for token in ledger.tokens():
            if token.name == name and ledger.end_token(token.digest, now):
                note(ledger, Act(LOCAL, Action.TOKEN_REVOKE, now), name)
                return
    raise NotFound(f"no token named {name!r} is in use")


@contextlib.contextmanager
def opened_ledger(settings: QueueSettings) -> Iterator[Ledger]:
    """The queue's ledger, beside the server that may have it open as well.

    Raises:
        StorageError: it cannot be opened.
    """
    ledger = open_ledger(settings.ledger_url)
    try:
        yield ledger
    finally:
        ledger.close()


def _check_tenant(ledger: Ledger, token: TokenRecord) -> None:
    if token.tenant == ALL_TENANTS:
        if token.role is Role.ENROLL:
            raise SettingsError("a host is one tenant's: name the tenant of an enrolment token")
    elif ledger.tenant(token.tenant) is None:
        known = ", ".join(tenant.name for tenant in ledger.tenants())
        raise SettingsError(f"no tenant {token.tenant[:64]!r}; known: {known}; make one: sampler queue tenants create")


def _text(token: TokenRecord) -> str:
    return f"{token.role} of {token.scope or 'all tenants'}{', raw' if token.raw else ''}"
