"""What the demo prints: a line a sample, then why less was sent than was asked for, then what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sampler.cli.output import size_text, warn
from sampler.wire.agent_messages import ObjectView

_NAME_WIDTH = 33
"""The longest name of a rule that ships."""
_FIXED_WIDTH = 34
"""What bytes, state, verdict, seconds and the gaps take."""


class DemoLine(Struct, frozen=True, kw_only=True):
    """One sample; also what ``--json`` prints."""

    sample: str
    rules: list[str]
    sent: str
    """``whole``, ``parts``, ``metadata`` or ``nothing``."""
    parts: list[str]
    reasons: list[str]
    """Why no more was sent, each beginning with the numbered rule that decided."""
    bytes: int
    state: str
    verdict: str
    seconds: float
    differences: list[str]


def part_names(view: ObjectView) -> list[str]:
    """Each kind of part once, with how many there are when there are several."""
    kinds = [content.part.kind.value for content in view.contents if content.part is not None]
    return [kind if kinds.count(kind) == 1 else f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]


def reasons(view: ObjectView) -> list[str]:
    """Why the whole or the parts were not sent, or nothing at all was."""
    if view.rule:
        return [f"{view.rule}: {view.detail}"]
    return [omission.reason for omission in view.omissions if omission.what in ("whole", "parts")]


def print_report(lines: Sequence[DemoLine], seconds: float) -> None:
    """The table and what there is to say about it; differences go to standard error."""
    console = Console(highlight=False)
    console.print(_table(lines, console.width))
    for reason in sorted({reason for line in lines for reason in line.reasons}):
        console.print(Text(reason))
    differing = [line for line in lines if line.differences]
    for line in differing:
        for difference in line.differences:
            warn(f"{line.sample}: {difference}")
    total = size_text(sum(line.bytes for line in lines))
    agree = len(lines) - len(differing)
    click.echo(f"\n{agree} of {len(lines)} samples as expected, {total} sent, every SHA-256 compared, {seconds:.0f} s")


def _table(lines: Iterable[DemoLine], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("sample\nrules that matched", overflow="fold", min_width=_NAME_WIDTH)
    table.add_column("what was sent", overflow="fold", max_width=max(12, width - _NAME_WIDTH - _FIXED_WIDTH))
    for column in ("bytes", "state", "verdict", "s"):
        table.add_column(column, no_wrap=True, justify="right" if column in ("bytes", "s") else "left")
    for line in lines:
        table.add_row(
            Text.assemble(line.sample, *((f"\n{rule}", "dim") for rule in line.rules)),
            Text(_sent(line)),
            size_text(line.bytes),
            line.state,
            line.verdict or "-",
            f"{line.seconds:.1f}",
        )
    return table


def _sent(line: DemoLine) -> str:
    if line.parts:
        return ", ".join(line.parts)
    codes = " ".join(reason.partition(" ")[0] for reason in line.reasons)
    return f"{line.sent} ({codes})" if codes else line.sent
