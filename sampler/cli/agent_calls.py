"""``sampler agent calls``: runs of the command about verdicts that are owed, or were given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import click
from msgspec import Struct

from sampler.cli.options import agent_settings, config_option
from sampler.cli.output import counted, json_option, print_ndjson, printable_text, short_time
from sampler.cli.terminal import print_table
from sampler.model import VerdictCall
from sampler.runtime.clock import SystemClock
from sampler.storage.sqlite_calls import SqliteCalls

_SHOWN_MAX_COUNT: Final = 1000


class CallLine(Struct, frozen=True, kw_only=True):
    """One run on ``--json``."""

    id: str
    """Of the object."""
    state: Literal["owed", "given up"]
    attempts: int
    """That failed."""
    due: datetime
    detail: str
    """How the last one ended."""


@click.command()
@click.option("--retry", is_flag=True, help="Owe those again that were given up.")
@config_option("agent")
@json_option
def calls(retry: bool, config: Path | None, as_json: bool) -> None:
    """Runs of the command about verdicts that are owed, or were given up.

    The agent makes those that are owed again within a minute.
    """
    path = agent_settings(config)[1].calls
    if not path.exists():
        click.echo("no call was ever owed on this machine", err=True)
        return
    ledger = SqliteCalls(path)
    try:
        again = ledger.retry(SystemClock().now()) if retry else 0
        lines = [*_lines("owed", ledger.owed(_SHOWN_MAX_COUNT)), *_lines("given up", ledger.given_up(_SHOWN_MAX_COUNT))]
    finally:
        ledger.close()
    if as_json:
        print_ndjson(lines)
        return
    if retry:
        click.echo(f"{counted(again, 'call')} owed again")
    rows = [(line.id, f"{line.state}\n{line.attempts} failed", short_time(line.due), line.detail) for line in lines]
    print_table(("object", "state", "due", "how the last ended"), rows, wrap=("object", "how the last ended"))


def _lines(state: Literal["owed", "given up"], found: Iterable[VerdictCall]) -> Iterator[CallLine]:
    for call in found:
        detail = printable_text(call.detail)
        yield CallLine(id=call.event_id, state=state, attempts=call.attempts, due=call.due, detail=detail)
