"""``sampler queue stats``: numbers about many hosts, of days that are closed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from sampler.cli.options import config_option
from sampler.cli.output import json_option, print_ndjson
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.wire.statistics_messages import StatisticsDay

_day = click.DateTime(["%Y-%m-%d"])
_PREFIX = "sampler.statistics."


@click.command()
@click.option("--day", type=_day, help="Only this day (UTC).")
@click.option("--since", type=_day, help="From this day (UTC) on.")
@config_option("client")
@json_option
def stats(day: datetime | None, since: datetime | None, config: Path | None, as_json: bool) -> None:
    """Numbers about at least as many hosts as their owners asked for.

    A day is shown a week after it, once it is closed, and never changes.
    Numbers are rounded at random to multiples of the threshold.
    """
    if day is not None and since is not None:
        raise click.UsageError("give --day or --since, not both")
    first, last = day or since, day
    page = with_client(config, lambda client: client.statistics(first and first.date(), last and last.date()))
    if as_json:
        print_ndjson(page.days)
        return
    if not page.days:
        click.echo("no day is closed yet that any host reported about; a day is closed a week after it")
        return
    rows = [row for each in page.days for row in _rows(each)]
    print_table(("day", "what", "of", "number", "at least\nhosts"), rows, wrap=("of",))


def _rows(day: StatisticsDay) -> list[tuple[str, ...]]:
    if not day.cells:
        return [(str(day.day), "nothing that enough hosts are in", "", "", "")]
    return [
        (str(day.day), cell.table.removeprefix(_PREFIX), cell.label, f"about {cell.value}", str(cell.threshold))
        for cell in day.cells
    ]
