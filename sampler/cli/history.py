"""``sampler history``: what left this machine, read from the journal itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import agent_settings, config_option
from sampler.cli.output import time_text, warn
from sampler.cli.terminal import print_table
from sampler.journal import JournalEntry, JournalReader


@click.group(invoke_without_command=True)
@click.option("--id", "event_id", metavar="UUID", help="Only this object.")
@click.option("--json", "as_json", is_flag=True, help="Print the entries as NDJSON, whole.")
@config_option("agent")
@click.pass_context
def history(ctx: click.Context, event_id: str | None, as_json: bool, config: Path | None) -> None:
    """What left this machine, as it left. Every user may read it."""
    if ctx.invoked_subcommand is not None:
        return
    entries = JournalReader(agent_settings(config)[1].journal).entries(event_id)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(_document(entry), ensure_ascii=False))
        return
    rows = [(time_text(entry.at), entry.kind, entry.event_id, _gist(entry)) for entry in entries]
    print_table(("when", "what", "id", "more"), rows, wrap=("more",))


@history.command()
@config_option("agent")
def verify(config: Path | None) -> None:
    """Check that no entry was changed, removed or put in."""
    faults = JournalReader(agent_settings(config)[1].journal).verify()
    for fault in faults:
        warn(fault)
    if faults:
        sys.exit(ExitCode.FOUND)
    click.echo("the journal is sound")


def _document(entry: JournalEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "id": entry.event_id,
        "document": entry.document,
        "digest": entry.digest,
    }


def _gist(entry: JournalEntry) -> str:
    document = entry.document
    if manifest := document.get("manifest"):
        return f"{len(manifest.get('fields', {}))} fields, {len(manifest.get('contents', []))} contents"
    texts = (str(document.get(key, "")) for key in ("rule", "detail", "state", "conclusion", "by", "scopes"))
    return ", ".join(text for text in texts if text)
