"""How ``sampler consent show`` prints: what stands, what was done, and what goes to the queue."""

from __future__ import annotations

from collections.abc import Iterable

import click

from sampler.agent.consent_acts import ConsentAct
from sampler.agent.traffic import TRAFFIC
from sampler.cli.output import printable_text, time_text
from sampler.cli.terminal import print_table
from sampler.model import Scope
from sampler.permit import Consent, Statement


def print_consent(given: Consent, statement: Statement) -> None:
    """The consent in force."""
    until = f", until {time_text(given.expires)}" if given.expires else ""
    days = statement.retention_days
    rows = [
        ("statement", f"{statement}: {statement.title}"),
        ("region", statement.region.value),
        ("digest", given.statement.digest),
        ("accepted", f"{time_text(given.at)} by {printable_text(given.by)}{until}"),
        ("seen by", "; ".join(statement.recipients)),
        ("originals", f"to be destroyed by whoever runs the queue within {days} days" if days else "none are sent"),
    ]
    print_table(("what", "how"), rows, wrap=("how",))
    click.echo()
    print_table(("scope", "is"), [(scope.value, standing_of(scope, given, statement)) for scope in Scope])


def print_acts(acts: Iterable[ConsentAct]) -> None:
    """Who did what with the consent, oldest first."""
    rows = [
        (
            str(act.number),
            time_text(act.at),
            act.kind.value,
            printable_text(act.by),
            f"{act.consent.statement.id} version {act.consent.statement.version}",
            ", ".join(sorted(act.consent.scopes)) or "nothing",
        )
        for act in acts
    ]
    print_table(("act", "at", "what", "by", "statement", "stands"), rows, wrap=("stands",))


def print_traffic(url: str, *, stands: bool) -> None:
    """All that is said to the queue, now and if a consent stood."""
    if not url:
        click.echo("\nno queue is configured: this machine connects to nothing")
        return
    click.echo(
        f"\nto {printable_text(url)}, and to nobody else:" if stands else f"\nto {printable_text(url)} only this:"
    )
    rows = [(each.what, each.when) for each in TRAFFIC if stands or not each.needs_consent]
    print_table(("what", "when"), rows, wrap=("what", "when"))


def standing_of(scope: Scope, given: Consent, statement: Statement) -> str:
    """What became of one scope, in a word."""
    if scope in given.scopes:
        return "accepted"
    if scope not in statement.scopes:
        return "not in this statement"
    return "withdrawn" if scope in given.withdrawn else "refused"
