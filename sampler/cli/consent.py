"""``sampler consent``: what the owner of this machine lets leave."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from sampler.agent.consents import ConsentStore
from sampler.agent.places import AgentPlaces
from sampler.cli.options import agent_settings, choice_of, config_option
from sampler.cli.output import time_text
from sampler.cli.terminal import print_table
from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit import shipped_names, shipped_statement
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
def show(config: Path | None, text: bool) -> None:
    """The statement and scopes in force."""
    store = _store(agent_settings(config)[1])
    given = store.load()
    if given is None or not given.scopes:
        names = ", ".join(shipped_names())
        click.echo(f"no consent is given: nothing leaves this machine. Statements to accept: {names}")
        return
    if text:
        click.echo(store.statement().text)
        return
    rows = [
        ("statement", f"{given.statement.id} version {given.statement.version}"),
        ("digest", given.statement.digest),
        ("accepted", f"{time_text(given.at)} by {given.by}"),
        *((f"scope {scope}", "accepted" if scope in given.scopes else "refused") for scope in Scope),
    ]
    print_table(("what", "how"), rows, wrap=("how",))


@consent.command()
@click.argument("statement", type=click.Choice(shipped_names()))
@_scope
@_by
@config_option("agent")
def accept(statement: str, scopes: tuple[str, ...], by: str, config: Path | None) -> None:
    """Accept STATEMENT, whole or only some of its scopes."""
    chosen = shipped_statement(statement)
    wanted = frozenset(Scope(scope) for scope in scopes) or chosen.scopes
    if not wanted <= chosen.scopes:
        extra = ", ".join(sorted(wanted - chosen.scopes))
        raise ConsentError(f"{statement} has no scope {extra}; it has {', '.join(sorted(chosen.scopes))}")
    store = _store(agent_settings(config)[1])
    given = store.accept(chosen, wanted, by, SystemClock().now())
    click.echo(f"{by} accepted {statement} version {chosen.version}: {', '.join(sorted(given.scopes))}")


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


def _store(where: AgentPlaces) -> ConsentStore:
    make_private_folder(where.state, mode=0o755)
    return ConsentStore(make_private_folder(where.consent, mode=0o755))
