"""``sampler reconcile``: whether every flagged object is accounted for, here and on the queue."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import click

from sampler import identity
from sampler.agent.consent_gate import ConsentGate
from sampler.agent.consents import ConsentStore
from sampler.agent.delivery_terms import terms_of
from sampler.agent.places import AgentPlaces
from sampler.agent.receipt_standing import StandingFile
from sampler.agent.reconciling import Reconciler
from sampler.agent.settings import AgentSettings
from sampler.agent.spool_opening import content_folder
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import agent_settings, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text
from sampler.journal import JournalReader
from sampler.runtime.clock import SystemClock
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.upload import QueueLink
from sampler.wire.reconcile_messages import Difference


@click.command()
@click.option("--offline", is_flag=True, help="Only this machine's own records; the queue is not asked.")
@config_option("agent")
@json_option
def reconcile(offline: bool, config: Path | None, as_json: bool) -> None:
    """Hold journal, ledger, spool and queue against each other.

    Names what does not agree, one line each, and what to do about it; repairs
    nothing. For root and the agent's own user; the agent may be running.
    Exit code 0: all accounted for, 1: something differs, 2: it cannot be told.
    """
    settings, where = agent_settings(config)
    if not (where.spool / "ledger.sqlite").exists():
        click.echo("nothing was ever flagged on this machine", err=as_json)
        return
    if asyncio.run(_run(settings, where, offline=offline, as_json=as_json)):
        sys.exit(ExitCode.FOUND)
    click.echo("every object is accounted for", err=as_json)


async def _run(settings: AgentSettings, where: AgentPlaces, *, offline: bool, as_json: bool) -> int:
    """How many differences there are."""
    with closing(SqliteSpoolLedger(where.spool / "ledger.sqlite")) as ledger:
        journal = JournalReader(where.journal)
        reconciler = Reconciler(
            books=ledger,
            journal=journal,
            contents=content_folder(where),
            kept=where.retained,
            held=where.held,
            receipts=StandingFile(where.receipts),
            clock=SystemClock(),
            verify=journal.verify,
        )
        count = await _print(reconciler.local(), as_json=as_json)
        if settings.queue.url and not offline:
            gate = ConsentGate(ConsentStore(where.consent), SystemClock())
            tls = identity.host_client_context(where.ca, where.certificate, where.key)
            async with QueueLink(
                settings.queue.url, tls, check=gate.check, also=settings.queue.also, terms=terms_of(settings.queue)
            ) as link:
                count += await _print(reconciler.queue(link.recalls), as_json=as_json)
    return count


async def _print(differences: AsyncIterator[Difference], *, as_json: bool) -> int:
    """Each as it is found."""
    count = 0
    async for each in differences:
        count += 1
        if as_json:
            print_ndjson([each])
        else:
            click.echo(f"{each.where}: {each.id or '-'}: {printable_text(each.what)}\n    {each.advice}")
    return count
