"""How commands print: NDJSON for programs, one line for a warning, numbers and times in few characters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import click
import msgspec

from sampler.wire.codec import encode

json_option = click.option("--json", "as_json", is_flag=True, help="Print NDJSON instead of a table.")


def print_ndjson(messages: Iterable[msgspec.Struct]) -> None:
    """One JSON document a line on standard output."""
    for message in messages:
        click.echo(encode(message).decode())


def warn(text: str) -> None:
    """One line on standard error."""
    click.echo(f"sampler: {text}", err=True)


def printable_text(text: str) -> str:
    """Text for a terminal: what cannot be printed, or would steer it, is escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def counted(count: int, what: str, several: str = "") -> str:
    """A number of things, in the word for one or for several."""
    return f"{count} {what if count == 1 else several or what + 's'}"


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
