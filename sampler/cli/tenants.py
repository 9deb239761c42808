"""``sampler queue tenants``: those whose hosts deliver here, and how much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from sampler.cli.options import config_option
from sampler.cli.output import json_option, print_ndjson, size_text
from sampler.cli.queue_settings import queue_settings
from sampler.cli.terminal import print_table
from sampler.queue import Quotas
from sampler.runtime.clock import SystemClock
from sampler.server import TenantLine, change_tenant, create_tenant, list_tenants


class TenantSays(Struct, frozen=True, kw_only=True):
    """One tenant on ``--json``; quotas are those that hold, ``null`` where there is none."""

    name: str
    devices: int
    objects_today: int
    bytes_today: int
    device_objects: int | None
    device_bytes: int | None
    tenant_objects: int | None
    tenant_bytes: int | None


def _quota_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, text in (
        ("tenant-bytes", "Bytes a day of all its hosts."),
        ("tenant-objects", "Objects a day of all its hosts."),
        ("device-bytes", "Bytes a day of one host."),
        ("device-objects", "Objects a day of one host."),
    ):
        command = click.option(f"--{name}", type=click.IntRange(0), help=text)(command)
    return command


@click.group()
def tenants() -> None:
    """Tenants: who sees nothing of each other, and what each may bring."""


@tenants.command("create")
@click.argument("name")
@_quota_options
@config_option("queue")
def create(name: str, config: Path | None, **quotas: int | None) -> None:
    """Make a tenant. Quotas that are not named are the queue's."""
    create_tenant(queue_settings(config), name, Quotas(**quotas), now=SystemClock().now())
    click.echo(f"tenant {name} made\n\nNext: sampler queue tokens create --role enroll --tenant {name} --name HOST")


@tenants.command("set")
@click.argument("name")
@_quota_options
@config_option("queue")
def change(name: str, config: Path | None, **quotas: int | None) -> None:
    """Give a tenant these quotas in place of all that it had."""
    change_tenant(queue_settings(config), name, Quotas(**quotas), now=SystemClock().now())
    click.echo(f"tenant {name} changed")


@tenants.command("list")
@config_option("queue")
@json_option
def list_all(config: Path | None, as_json: bool) -> None:
    """All tenants, with what they brought today and what they may bring."""
    lines = list_tenants(queue_settings(config), now=SystemClock().now())
    if as_json:
        print_ndjson([_says(line) for line in lines])
        return
    columns = ("tenant", "hosts", "objects today\nof at most", "bytes today\nof at most", "one host at most")
    print_table(columns, [_row(line) for line in lines], wrap=("tenant",))


def _says(line: TenantLine) -> TenantSays:
    quotas = line.quotas
    return TenantSays(
        name=line.tenant.name,
        devices=line.devices,
        objects_today=line.today.objects,
        bytes_today=line.today.bytes,
        device_objects=quotas.device_objects,
        device_bytes=quotas.device_bytes,
        tenant_objects=quotas.tenant_objects,
        tenant_bytes=quotas.tenant_bytes,
    )


def _row(line: TenantLine) -> tuple[str, ...]:
    quotas = line.quotas
    objects = f"{line.today.objects}\n{_count(quotas.tenant_objects)}"
    sizes = f"{size_text(line.today.bytes)}\n{_size(quotas.tenant_bytes)}"
    host = f"{_count(quotas.device_objects)}\n{_size(quotas.device_bytes)}"
    return line.tenant.name, str(line.devices), objects, sizes, host


def _count(ceiling: int | None) -> str:
    return "no limit" if ceiling is None else f"{ceiling} objects"


def _size(ceiling: int | None) -> str:
    return "no limit" if ceiling is None else size_text(ceiling)
