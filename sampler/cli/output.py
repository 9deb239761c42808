"""How commands print: tables for people, NDJSON for programs, progress only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import click
import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sampler.wire.codec import encode

json_option = click.option("--json", "as_json", is_flag=True, help="Print NDJSON instead of a table.")


def print_ndjson(messages: Iterable[msgspec.Struct]) -> None:
    """One JSON document a line on standard output."""
    for message in messages:
        click.echo(encode(message).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, wrap: Sequence[str] = ()) -> None:
    """A table on standard output. Columns in ``wrap`` give way on a narrow terminal; text is never markup."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in wrap)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def progress() -> Progress:
    """A progress bar on standard error; silent when that is not a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def warn(text: str) -> None:
    """One line on standard error."""
    click.echo(f"sampler: {text}", err=True)


def size_text(size: int) -> str:
    """A number of bytes in at most eight characters."""
    if size < 10_000:
        return f"{size} B"
    for unit, factor in (("KiB", 1024), ("MiB", 1024**2), ("GiB", 1024**3)):
        if size < 10_000 * factor:
            return f"{size / factor:.0f} {unit}"
    return f"{size / 1024**4:.0f} TiB"


def short_time(moment: datetime) -> str:
    """Month, day, hour and minute, UTC, for narrow tables; ``--json`` has the whole."""
    return moment.strftime("%m-%d %H:%M")


def time_text(moment: datetime | None) -> str:
    """A time to the second, UTC (RFC 3339)."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
