"""``sampler history export``: the journal to take away, as it is stored or as a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from sampler.cli.history_page import page_of
from sampler.cli.history_sums import Sums
from sampler.cli.options import agent_settings, config_option
from sampler.journal import JournalEntry, JournalReader
from sampler.runtime.clock import SystemClock


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(("jsonl", "html")),
    default="jsonl",
    show_default=True,
    help="JSON Lines exactly as stored, or one page with plots.",
)
@click.option(
    "-o", "--output", type=click.File("wb", atomic=True), default="-", metavar="FILE", help="Default: standard output."
)
@config_option("agent")
def export(form: str, output: BinaryIO, config: Path | None) -> None:
    """Write out the whole journal; no agent is needed.

    The page needs no script and loads nothing from elsewhere.
    """
    reader = JournalReader(agent_settings(config)[1].journal)
    pieces = reader.lines() if form == "jsonl" else _page(reader)
    for piece in pieces:
        output.write(piece)


def _page(reader: JournalReader) -> Iterator[bytes]:
    last: list[JournalEntry] = []

    def noticed() -> Iterator[JournalEntry]:
        for entry in reader.entries(newest_first=True):
            last[:] = last or [entry]
            yield entry

    sums = Sums.of(noticed())
    digest = last[0].digest if last else ""
    return (piece.encode() for piece in page_of(sums, SystemClock().now(), digest))
