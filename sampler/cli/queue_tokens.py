"""``sampler queue tokens``: who may do what at the queue, and for whom."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from msgspec import Struct

from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, time_text
from sampler.cli.queue_settings import queue_settings
from sampler.cli.terminal import print_table
from sampler.queue import TokenRecord
from sampler.runtime.clock import SystemClock
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.server import create_token, list_tokens, revoke_token
from sampler.wire.routes import Role
from sampler.wire.tenant_messages import ALL_TENANTS, DEFAULT_TENANT


class TokenLine(Struct, frozen=True, kw_only=True):
    """One token on ``--json``."""

    name: str
    role: str
    tenant: str
    raw: bool
    expires: datetime
    good: bool


@click.group()
def tokens() -> None:
    """Bearer tokens for people, workers and enrolment."""


@tokens.command("create")
@click.option("--role", type=choice_of(Role), required=True)
@click.option("--name", required=True, help="Whose it is.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="What it sees, or whose hosts it enrols.")
@click.option("--all-tenants", is_flag=True, help="It works for all tenants; an admin's always does.")
@click.option("--raw", is_flag=True, help="May download bytes as they are; workers and admins may anyway.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--profile", type=click.Path(path_type=Path), help="Also write a client.toml that uses it (0600).")
@click.option("--url", help="The people's address for --profile; default as the queue listens.")
@config_option("queue")
def create(
    role: str,
    name: str,
    tenant: str,
    all_tenants: bool,
    raw: bool,
    days: int,
    profile: Path | None,
    url: str | None,
    config: Path | None,
) -> None:
    """Make a token. It is shown this once; the queue keeps only its digest."""
    settings = queue_settings(config)
    whose = ALL_TENANTS if all_tenants else tenant
    now = SystemClock().now()
    token = create_token(settings, Role(role), name=name, days=days, now=now, tenant=whose, raw=raw)
    click.echo(token)
    if profile is not None:
        address = url or f"https://{settings.people_listen}"
        lines = f'url = "{address}"\nca = "{settings.authority_folder / "ca.pem"}"\ntoken = "{token}"\n'
        make_private_folder(profile.absolute().parent)
        write_durably(profile, lines.encode())
        click.echo(f"profile written to {profile}", err=True)


@tokens.command("list")
@config_option("queue")
@json_option
def list_all(config: Path | None, as_json: bool) -> None:
    """All tokens, without their text."""
    now = SystemClock().now()
    lines = [_line(token, now) for token in list_tokens(queue_settings(config))]
    if as_json:
        print_ndjson(lines)
        return
    columns = ("name", "role", "tenant", "expires", "state")
    rows = [(line.name, _role(line), line.tenant, time_text(line.expires), _state(line)) for line in lines]
    print_table(columns, rows, wrap=("name",))


@tokens.command("revoke")
@click.argument("name")
@config_option("queue")
def revoke(name: str, config: Path | None) -> None:
    """End the token of that name at once."""
    revoke_token(queue_settings(config), name, now=SystemClock().now())
    click.echo(f"{name} revoked")


def _line(token: TokenRecord, now: datetime) -> TokenLine:
    return TokenLine(
        name=token.name,
        role=token.role.value,
        tenant=token.scope or ALL_TENANTS,
        raw=token.may_have_raw,
        expires=token.expires,
        good=token.is_good(now),
    )


def _role(line: TokenLine) -> str:
    return f"{line.role}, raw" if line.raw and line.role == Role.ANALYST else line.role


def _state(line: TokenLine) -> str:
    return "in force" if line.good else "ended"
