"""``sampler statistics``: counters without identifiers, as this host has them and as they would leave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from sampler.cli.options import config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, printable_text
from sampler.cli.sections import wrapped
from sampler.intake import AgentClient
from sampler.wire.statistics_messages import LocalCount, LocalDay, StatisticsPreview

_PREFIX: Final = "sampler.statistics."
_NAME_WIDTH: Final = 20
_HEADINGS: Final = {"counting": "LEAVES", "counted": "LEAVES", "sent": "LEFT"}
"""Of what was offered and never confirmed nobody on this host knows whether the queue has it."""


@click.group()
def statistics() -> None:
    """Counters without identifiers: what this host counts, and what leaves."""


@statistics.command()
@socket_option
@config_option("agent")
@json_option
def preview(socket: Path | None, config: Path | None, as_json: bool) -> None:
    """Show what the present day counts so far, and each day before.

    For each day: the counters that leave or have left, those that stay and
    the rule that keeps them. Nothing is sent now.
    """
    view = asyncio.run(_ask(socket_of(socket, config)))
    if as_json:
        print_ndjson([view])
    else:
        click.echo("\n".join(_lines(view)))


async def _ask(socket: Path) -> StatisticsPreview:
    async with AgentClient(socket) as client:
        return await client.statistics()


def _lines(view: StatisticsPreview) -> Iterator[str]:
    if view.threshold is not None:
        yield f"A number about fewer than {view.threshold} hosts is shown to nobody."
    for day in view.days:
        yield from ("", *_day_lines(day))


def _day_lines(day: LocalDay) -> Iterator[str]:
    why = ": ".join(text for text in (day.rule, printable_text(day.detail)) if text)
    yield from wrapped(f"{day.day} {day.state}" + (f"; {why}" if why else ""), indent=0, hanging=4)
    if day.counts or day.sketches:
        yield _HEADINGS.get(day.state, "MAY HAVE LEFT")
        yield from map(_count_line, day.counts)
        yield from (f"  {_short(table)} a sketch, keyed for the day" for table in day.sketches)
    if day.stays:
        yield "STAYS HERE"
        yield from map(_count_line, day.stays)


def _count_line(count: LocalCount) -> str:
    return f"  {_short(count.table)} {count.label}  {count.value}"


def _short(table: str) -> str:
    return f"{table.removeprefix(_PREFIX):<{_NAME_WIDTH}}"
