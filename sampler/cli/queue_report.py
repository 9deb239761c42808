"""``sampler queue report``: numbers of submissions by day, which stay when the submissions are destroyed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text, size_text, warn
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.wire.rollup_messages import Dimension

_day = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--by", type=choice_of(Dimension), help="Only what is counted by this; default: all of it.")
@click.option("--since", type=_day, help="From this day (UTC) on.")
@click.option("--until", type=_day, help="Up to this day (UTC).")
@config_option("client")
@json_option
def report(by: str | None, since: datetime | None, until: datetime | None, config: Path | None, as_json: bool) -> None:
    """What came in, by day: how many submissions, and how many bytes.

    By rule, type, reason, verdict and region. The numbers name nobody, and
    stay when retention destroys what they are of.
    """
    first, last = since and since.date(), until and until.date()
    page = with_client(config, lambda client: client.rollups(first, last, Dimension(by) if by else None))
    if page.more:
        warn("this is not all; ask for fewer days, or --by one thing")
    if as_json:
        print_ndjson(page.lines)
        return
    rows = [
        (
            str(line.day),
            line.tenant,
            line.by.value,
            printable_text(line.label),
            str(line.objects),
            size_text(line.bytes),
        )
        for line in page.lines
    ]
    print_table(("day", "tenant", "by", "of", "number", "contents"), rows, wrap=("of",))
