"""The steps of letting hosts and people in, each one ledger transaction. Blocking; run on the ledger's lane."""

from __future__ import annotations

from datetime import datetime

from sampler.errors import IdentityError
from sampler.queue.acts import Act, Actor, note
from sampler.queue.ports import Ledger
from sampler.queue.records import Device
from sampler.wire.audit_messages import Action
from sampler.wire.tenant_messages import DEFAULT_TENANT


def enroll(ledger: Ledger, digest: str, device: Device, now: datetime) -> None:
    """Use a token up and record the device that it let in, together.

    Raises:
        IdentityError: the token was used up, revoked, or ran out, perhaps a moment ago.
    """
    with ledger.transaction():
        token = ledger.token(digest)
        if token is None or not token.is_good(now) or not ledger.end_token(digest, now):
            raise IdentityError("this enrolment token has been used or has run out; have a new one made")
        ledger.add_device(device)
        by = Actor(token.name, token.role.value, token.tenant)
        note(ledger, Act(by, Action.ENROLL, now), device.agent_id)


def check_device(ledger: Ledger, agent_id: str, serial: str, now: datetime) -> Device:
    """The device of a certificate that TLS has verified already.

    Raises:
        IdentityError: the queue does not know it, has revoked it, gave it another certificate since, or it ran out.
    """
    device = ledger.device(agent_id)
    if device is None:
        raise IdentityError(f"device {agent_id} is not enrolled at this queue; enrol it anew")
    if device.serial != serial:
        raise IdentityError(f"device {agent_id} has another certificate by now; use that one or enrol it anew")
    if device.revoked is not None:
        raise IdentityError(f"device {agent_id} has been revoked; ask the queue's operator")
    if device.expires <= now:
        raise IdentityError(f"the certificate of device {agent_id} has run out; enrol it anew")
    return device


def tenant_of(ledger: Ledger, agent_id: str) -> str:
    """Whose device it is."""
    device = ledger.device(agent_id)
    return DEFAULT_TENANT if device is None else device.tenant
