"""``sampler queue devices``: the hosts that are enrolled."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from msgspec import Struct

from sampler.cli.options import config_option
from sampler.cli.output import json_option, print_ndjson, time_text
from sampler.cli.queue_settings import queue_settings
from sampler.cli.terminal import print_table
from sampler.queue import Device
from sampler.runtime.clock import SystemClock
from sampler.server import list_devices, revoke_device


class DeviceLine(Struct, frozen=True, kw_only=True):
    """One host on ``--json``."""

    agent_id: str
    name: str
    tenant: str
    enrolled: datetime
    expires: datetime
    revoked: datetime | None


@click.group()
def devices() -> None:
    """Hosts that are enrolled: list them, refuse one."""


@devices.command("list")
@click.option("--tenant", help="Only this tenant's.")
@config_option("queue")
@json_option
def list_all(tenant: str | None, config: Path | None, as_json: bool) -> None:
    """All hosts, in the order in which they enrolled."""
    now = SystemClock().now()
    found = [device for device in list_devices(queue_settings(config)) if tenant in (None, device.tenant)]
    if as_json:
        print_ndjson([_line(device) for device in found])
        return
    columns = ("host\nits token", "tenant", "certificate ends", "state")
    rows = [(_name(device), device.tenant, time_text(device.expires), _state(device, now)) for device in found]
    print_table(columns, rows, wrap=columns[:1])


@devices.command("revoke")
@click.argument("agent_id", metavar="HOST")
@config_option("queue")
def revoke(agent_id: str, config: Path | None) -> None:
    """Refuse a host from its next request on."""
    revoke_device(queue_settings(config), agent_id, now=SystemClock().now())
    click.echo(f"{agent_id} revoked")


def _line(device: Device) -> DeviceLine:
    return DeviceLine(
        agent_id=device.agent_id,
        name=device.name,
        tenant=device.tenant,
        enrolled=device.enrolled,
        expires=device.expires,
        revoked=device.revoked,
    )


def _name(device: Device) -> str:
    return f"{device.agent_id}\n{device.name}"


def _state(device: Device, now: datetime) -> str:
    if device.revoked is not None:
        return "revoked"
    return "in force" if now < device.expires else "ended"
