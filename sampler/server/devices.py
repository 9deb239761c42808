"""Enrolled hosts: listed and revoked beside a running server."""

from __future__ import annotations

from datetime import datetime

from sampler.errors import NotFound
from sampler.queue import LOCAL, Act, Device, note
from sampler.server.settings import QueueSettings
from sampler.server.tokens import opened_ledger
from sampler.wire.audit_messages import Action


def list_devices(settings: QueueSettings) -> tuple[Device, ...]:
    """All hosts, revoked ones among them, in the order in which they enrolled.

    Raises:
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger:
        return ledger.devices()


def revoke_device(settings: QueueSettings, agent_id: str, *, now: datetime) -> None:
    """Refuse a host; it counts from its next request on, even on a connection that is open.

    Raises:
        NotFound: there is no such host, or it is revoked already.
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger, ledger.transaction():
        if not ledger.revoke_device(agent_id, now):
            raise NotFound(f"no device {agent_id} that is not revoked")
        note(ledger, Act(LOCAL, Action.DEVICE_REVOKE, now), agent_id)
