"""``sampler receipts``: what the queue has signed about what this machine sent, read from the journal itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from sampler.agent.places import AgentPlaces
from sampler.agent.receipt_sent import RECEIPT_KINDS
from sampler.agent.receipt_verifying import VERIFIED_KINDS, Verifying, check_history, ordered
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import agent_settings, config_option
from sampler.cli.output import printable_text, time_text, warn
from sampler.cli.receipt_heads import ask_for_proof, believed_key, kept_head, standing_of
from sampler.cli.terminal import print_table
from sampler.errors import NotFound, QueueRefused, ReceiptError
from sampler.identity import PublicKey
from sampler.journal import JournalEntry, JournalReader
from sampler.wire.codec import encode
from sampler.wire.receipt_messages import KeptHead


@click.group()
def receipts() -> None:
    """What the queue signed about what left this machine, and whether it holds."""


@receipts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the entries as NDJSON, whole.")
@config_option("agent")
def list_receipts(as_json: bool, config: Path | None) -> None:
    """Every receipt, and every one that did not hold."""
    entries = _entries(_places(config), RECEIPT_KINDS)
    if as_json:
        for entry in entries:
            line = {"at": entry.at.isoformat(), "kind": entry.kind, "id": entry.event_id, "document": entry.document}
            click.echo(json.dumps(line, ensure_ascii=False))
        return
    print_table(("when", "id", "position", "how"), map(_line, entries), wrap=("how",))


@receipts.command()
@click.argument("event_id", metavar="ID")
@config_option("agent")
def show(event_id: str, config: Path | None) -> None:
    """The receipt of one object: what was signed, by whom, and in which log."""
    found = False
    for entry in _entries(_places(config), RECEIPT_KINDS, event_id):
        found = True
        click.echo(f"{time_text(entry.at)} {_line(entry)[3]}")
        click.echo(json.dumps(entry.document, indent=2))
    if not found:
        raise NotFound(f"{event_id}: the journal has no receipt of it, or not yet; see: sampler receipts list")


@receipts.command()
@config_option("agent")
def verify(config: Path | None) -> None:
    """Check every receipt anew, from the journal alone: signature, manifest, place in the log."""
    where = _places(config)
    run = Verifying(believed_key(where))
    run.follow(_entries(where, VERIFIED_KINDS))
    for fault in run.faults:
        warn(printable_text(fault))
    lacking = f"; {run.lacking} delivered without one yet" if run.lacking else ""
    pruned = f"; of {run.unmatched} the offer is not in the journal any more" if run.unmatched else ""
    click.echo(f"{run.held} receipts hold{pruned}{lacking}")
    if run.faults:
        sys.exit(ExitCode.FOUND)


@receipts.command()
@config_option("agent")
def head(config: Path | None) -> None:
    """The last head of the queue's log that was checked, to be compared with that of another host.

    Two hosts that are shown different logs find out this way: give the output
    to the other one, and run sampler receipts check on it there.
    """
    standing = standing_of(_places(config))
    assert standing.head is not None  # standing_of looks
    click.echo(encode(KeptHead(key=standing.key, head=standing.head)).decode())


@receipts.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option("agent")
def check(file: Path, config: Path | None) -> None:
    """Compare a head from elsewhere (FILE) with the last one that was checked here.

    Heads of the same size are compared at once. Of different ones the queue is
    asked to prove that the larger log begins with the smaller one.
    """
    settings, where = agent_settings(config)
    standing, theirs = standing_of(where), kept_head(file)
    assert standing.head is not None  # standing_of looks
    try:
        key = PublicKey.parse(standing.key)
        if theirs.key != standing.key:
            raise ReceiptError(f"{file}: signed by key {theirs.key}; this host believes {standing.key}", "key")
        first, second = ordered(key, standing.head, theirs.head)
        check_history(first, second, asyncio.run(ask_for_proof(settings, where, first.size, second.size)))
    except (ReceiptError, QueueRefused) as error:
        warn(printable_text(f"not one history: {error}"))
        sys.exit(ExitCode.FOUND)
    click.echo(f"one history: {first.size} and {second.size} receipts")


def _places(config: Path | None) -> AgentPlaces:
    return agent_settings(config)[1]


def _entries(where: AgentPlaces, kinds: frozenset[str], event_id: str | None = None) -> Iterator[JournalEntry]:
    return JournalReader(where.journal).entries(event_id, wanted=lambda kind, _, __: kind in kinds)


def _line(entry: JournalEntry) -> tuple[str, str, str, str]:
    document = entry.document
    if entry.kind == "receipt_refused":
        how = printable_text(f"DOES NOT HOLD ({document.get('code', '')}): {document.get('reason', '')}")
    else:
        how = "holds"
    return time_text(entry.at), entry.event_id, str(document.get("position", "")), how
