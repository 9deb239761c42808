"""``sampler history``: what left this machine, read from the journal itself."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import click
import msgspec

from sampler.cli.exit_codes import ExitCode
from sampler.cli.history_export import export
from sampler.cli.history_facts import gist_of
from sampler.cli.history_question import Question
from sampler.cli.history_target import Target, target_of
from sampler.cli.moments import MOMENT
from sampler.cli.options import (
    agent_settings,
    choice_of,
    config_option,
    from_option,
    reader_of,
    socket_of,
    socket_option,
)
from sampler.cli.output import counted, printable_text, size_text, time_text, warn
from sampler.journal import JournalEntry, repair
from sampler.model import Reason, Scope
from sampler.runtime.clock import SystemClock

_DEFAULT: Final = "list"
_WIDTH: Final = 78


class WithDefault(click.Group):
    """A group whose ``list`` runs where no other of its commands is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As ``click.Group.parse_args``."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=WithDefault)
def history() -> None:
    """What left this machine, as it left. Every user may read it.

    "sampler history FILE" is short for "sampler history list FILE", and so is
    any other argument or option of it.
    """


@history.command(_DEFAULT)
@click.argument("target", required=False, metavar="[FILE|ID|SHA256]")
@click.option("--id", "event_id", metavar="ID", help="Only this object.")
@click.option("--since", type=MOMENT, help="From then on: 2026-11-25, 7d, 12h.")
@click.option("--until", type=MOMENT, help="Before then.")
@click.option(
    "--scope", "scopes", multiple=True, type=choice_of(Scope), metavar="SCOPE", help="Only what left under it."
)
@click.option(
    "--reason", "reasons", multiple=True, type=choice_of(Reason), metavar="REASON", help="Only what was flagged for it."
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only entries of it: offered, refused, consent …")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@click.option("-n", "--limit", type=click.IntRange(1), help="At most so many entries.")
@click.option("--json", "as_json", is_flag=True, help="Print the entries as NDJSON, whole.")
@from_option
@socket_option
@config_option("agent")
def list_entries(
    target: str | None,
    event_id: str | None,
    since: datetime | None,
    until: datetime | None,
    scopes: tuple[str, ...],
    reasons: tuple[str, ...],
    kinds: tuple[str, ...],
    reverse: bool,
    limit: int | None,
    as_json: bool,
    folder: Path | None,
    socket: Path | None,
    config: Path | None,
) -> None:
    """Entries of the journal, newest first: of one object, or all.

    A FILE is looked for by its bytes as they are now, and under its name in
    the agent's ledger where an agent answers: the journal has no names of people.
    """
    meant = asyncio.run(target_of(target, socket_of(socket, config))) if target else Target()
    for note in meant.notes:
        warn(note)
    question = Question(
        named=bool(target or event_id),
        ids=meant.ids | ({event_id} if event_id else frozenset()),
        sha256=meant.sha256,
        scopes=frozenset(scopes),
        reasons=frozenset(reasons),
        kinds=frozenset(kinds),
        since=since,
        until=until,
    )
    entries = islice(question.entries(reader_of(folder, config), newest_first=not reverse), limit)
    if as_json:
        _print_json(entries)
    else:
        _print(entries)


@history.command()
@from_option
@config_option("agent")
def verify(folder: Path | None, config: Path | None) -> None:
    """Check that no entry was changed, removed or put in.

    Files that were removed for their age are named by an entry of their own.
    Exits with 1 and the places where something does not hold.
    """
    survey = reader_of(folder, config).survey()
    for fault in survey.faults:
        warn(fault)
    if survey.faults:
        warn("what is damaged cannot be mended; to set it aside whole and begin anew, stop the agent and run:")
        warn("sampler history repair")
        sys.exit(ExitCode.FOUND)
    if not survey.holdings:
        click.echo("the journal is empty")
        return
    first = survey.holdings[0].first
    click.echo(f"the journal is sound: entries {first} to {survey.last.number}, the last with the digest")
    click.echo(survey.last.digest)


@history.command("repair")
@config_option("agent")
def repair_damaged(config: Path | None) -> None:
    """Set a damaged journal aside, whole, and begin a new one that says so.

    For root or the agent's own user, while no agent runs. Nothing is deleted.
    """
    done = repair(agent_settings(config)[1].journal, SystemClock().now())
    if done is None:
        click.echo("the journal is sound; nothing was done")
        return
    click.echo(f"set aside in {done.folder}: {', '.join(done.files)}")
    click.echo(f"sound up to entry {done.sound}; the new journal begins with what was wrong. The agent can be started.")


history.add_command(export)


def _print_json(entries: Iterable[JournalEntry]) -> None:
    for entry in entries:
        document = {
            "number": entry.number,
            "at": entry.at,
            "kind": entry.kind,
            "id": entry.event_id,
            "document": entry.document,
            "digest": entry.digest,
        }
        click.echo(msgspec.json.encode(document).decode())


def _print(entries: Iterable[JournalEntry]) -> None:
    kinds: Counter[str] = Counter()
    sent = 0
    for entry in entries:
        kinds[entry.kind] += 1
        travelled = entry.document.get("sent_bytes")
        sent += travelled if isinstance(travelled, int) else 0
        click.echo("\n".join(_lines(entry)))
    click.echo(textwrap.fill(_summary(kinds, sent), _WIDTH))


def _lines(entry: JournalEntry) -> Iterator[str]:
    yield f"{time_text(entry.at)} {entry.kind:<16} {entry.event_id}".rstrip()
    yield from _wrapped(gist_of(entry))


def _wrapped(text: str) -> Sequence[str]:
    return textwrap.wrap(printable_text(text), _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _summary(kinds: Counter[str], sent: int) -> str:
    if not kinds:
        return "no entry is like that"
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{counted(kinds.total(), 'entry', 'entries')}: {counts}; {size_text(sent)} of contents sent"
