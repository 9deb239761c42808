"""``sampler consent``: what the owner of this machine lets leave."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from sampler.agent.consent_acts import SHIPPED
from sampler.agent.consents import Acceptance, ConsentStore
from sampler.agent.noted_consents import Noted
from sampler.agent.owners_clock import OwnersClock
from sampler.agent.places import AgentPlaces
from sampler.agent.renewing import Renewal, newer_version
from sampler.agent.settings import ConsentSection
from sampler.agent.signed_statements import read_signed
from sampler.cli.consent_messages import shown_act, shown_consent
from sampler.cli.consent_table import print_acts, print_consent, print_traffic
from sampler.cli.options import agent_settings, choice_of, config_option
from sampler.cli.output import json_option, print_ndjson
from sampler.cli.sections import wrapped
from sampler.errors import ConsentError
from sampler.identity import PublicKey
from sampler.journal import JournalReader
from sampler.model import Scope
from sampler.permit import Consent, Region, Statement, shipped_names, shipped_statement
from sampler.runtime.clock import SystemClock
from sampler.runtime.durable import make_private_folder

_scope = click.option(
    "--scope", "scopes", multiple=True, type=choice_of(Scope), metavar="SCOPE", help="Only this one; repeatable."
)
_by = click.option("--by", default=getpass.getuser, help="The administrator's name; default: your user name.")


@click.group()
def consent() -> None:
    """What the owner of this machine lets leave it, and stopping it."""


@consent.command()
@config_option("agent")
@click.option("--text", is_flag=True, help="Print the whole text of the accepted statement.")
@click.option("--acts", is_flag=True, help="Print who accepted and withdrew what, and when.")
@json_option
def show(config: Path | None, text: bool, acts: bool, as_json: bool) -> None:
    """The statement and scopes in force, and what goes where."""
    settings, where = agent_settings(config)
    store = _store(where)
    done = store.acts()  # says what is damaged before anything is shown as standing
    given, now = store.load(), _clock(where).now()
    standing = given if given is not None and given.stands(now) else None
    if acts:
        print_ndjson(map(shown_act, done)) if as_json else print_acts(done)
    elif as_json:
        newer = newer_version(store)
        statement = store.statement() if standing is not None else None
        print_ndjson([shown_consent(standing, statement, newer.widened if newer else (), settings.queue.url)])
    elif text:
        click.echo(store.statement().text)
    else:
        _print_standing(store, standing)
        print_traffic(settings.queue.url, stands=standing is not None)


@consent.command()
@click.argument("statement", type=click.Choice(shipped_names()), required=False)
@click.option("--statement", "file", type=click.Path(path_type=Path), help="FILE.toml of a signed statement instead.")
@click.option("--region", type=choice_of(Region), help="Whose form of it; default as the settings say.")
@_scope
@click.option(
    "--also", "also", multiple=True, type=choice_of(Scope), metavar="SCOPE", help="A scope that stands apart, as well."
)
@click.option("--days", type=click.IntRange(1, 36_500), help="For so long; default: until it is withdrawn.")
@_by
@config_option("agent")
def accept(
    statement: str | None,
    file: Path | None,
    region: str | None,
    scopes: tuple[str, ...],
    also: tuple[str, ...],
    days: int | None,
    by: str,
    config: Path | None,
) -> None:
    """Accept STATEMENT, whole or only some of its scopes.

    What a statement lists as separate is accepted only if it is named.
    """
    settings, where = agent_settings(config)
    if (statement is None) == (file is None):
        raise click.UsageError("name either a statement that ships or --statement FILE")
    form = Region(region or settings.consent.region)
    chosen, signer = (shipped_statement(statement, form), SHIPPED) if statement else _signed(file, settings.consent)
    wanted = _wanted(chosen, scopes, also)
    now = _clock(where).now()
    expires = None if days is None else now + timedelta(days=days)
    _store(where).accept(Acceptance(chosen, wanted, by, expires, signer), now)
    click.echo(f"{by} accepted {chosen}: {', '.join(sorted(wanted))}")
    if apart := chosen.separate - wanted:
        click.echo(f"not accepted, as it has to be named (--also SCOPE): {', '.join(sorted(apart))}")


@consent.command()
@_scope
@_by
@config_option("agent")
def withdraw(scopes: tuple[str, ...], by: str, config: Path | None) -> None:
    """Withdraw all consent, or some scopes; what waits is not sent any more."""
    store = _store(agent_settings(config)[1])
    left = store.withdraw(frozenset(Scope(scope) for scope in scopes) or None, by, SystemClock().now())
    remaining = ", ".join(sorted(left.scopes)) if left is not None and left.scopes else "nothing"
    click.echo(f"withdrawn; still accepted: {remaining}")


def _wanted(chosen: Statement, scopes: tuple[str, ...], also: tuple[str, ...]) -> frozenset[Scope]:
    only = frozenset(Scope(scope) for scope in scopes)
    wanted = (only or chosen.joint) | frozenset(Scope(scope) for scope in also)
    if not wanted <= chosen.scopes:
        extra = ", ".join(sorted(wanted - chosen.scopes))
        raise ConsentError(f"{chosen.id} has no scope {extra}; it has {', '.join(sorted(chosen.scopes))}")
    return wanted


def _signed(file: Path | None, settings: ConsentSection) -> tuple[Statement, str]:
    assert file is not None  # one of the two was named
    signed = read_signed(file, [PublicKey.parse(key) for key in settings.statement_keys])
    return signed.statement, signed.key_id


def _print_standing(store: ConsentStore, standing: Consent | None) -> None:
    if standing is None:
        names = ", ".join(shipped_names())
        click.echo(f"no consent stands: nothing leaves this machine. Statements to accept: {names}")
    else:
        print_consent(standing, store.statement())
    _print_newer(newer_version(store))


def _print_newer(renewal: Renewal | None) -> None:
    if renewal is None:
        return
    if renewal.widened:
        click.echo(f"\n{renewal.new} is there. Against {renewal.old}, which stays in force, it widens:")
        for line in renewal.widened:
            click.echo("\n".join(wrapped(line, hanging=4)))
        click.echo("accept it with: sampler consent accept")
    else:
        click.echo(f"\n{renewal.new} is there and only narrows; the agent goes over to it when it starts")


def _store(where: AgentPlaces) -> ConsentStore:
    make_private_folder(where.state, mode=0o755)
    witness = JournalReader(where.journal)
    return ConsentStore(make_private_folder(where.consent, mode=0o755), lambda: Noted.last_of(witness).digest)


def _clock(where: AgentPlaces) -> OwnersClock:
    newest = next(JournalReader(where.journal).entries(newest_first=True), None)
    return OwnersClock(SystemClock(), datetime.min.replace(tzinfo=UTC) if newest is None else newest.at)
