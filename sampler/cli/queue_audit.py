"""``sampler queue audit``: who downloaded, leased and changed what, and whether the record of it is whole."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click
import msgspec

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text, time_text
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.errors import SettingsError
from sampler.limits import AUDIT_PAGE_MAX_COUNT
from sampler.wire.audit_messages import Action, AuditLine, first_break
from sampler.wire.codec import DecodeError, decode
from sampler.worker import PeopleClient

_LINE_MAX_BYTES = 64 * 1024


@click.group()
def audit() -> None:
    """Who did what at the queue."""


@audit.command("list")
@click.option("--actor", help="Only what the holder of this token did.")
@click.option("--action", type=choice_of(Action), metavar="ACTION", help=f"Only this: {', '.join(Action)}.")
@click.option("--subject", help="Only what was done to this: a SHA-256, a task, a submission, a host, a name.")
@click.option("--since", metavar="DAY", help="From this day (UTC) on, as in 2026-11-25.")
@click.option("--until", metavar="DAY", help="Up to this day (UTC).")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@config_option("client")
@json_option
def list_all(limit: int, config: Path | None, as_json: bool, **asked: str | None) -> None:
    """Entries, the oldest first. An analyst sees what the tenant's people did."""
    query = {name: value for name, value in asked.items() if value is not None}

    async def fetch(client: PeopleClient) -> list[AuditLine]:
        return [line async for line in _entries(client, query, limit)]

    lines = with_client(config, fetch)
    if as_json:
        print_ndjson(lines)
        return
    columns = ("when", "who", "did", "to what\nhow")
    print_table(columns, [_row(line) for line in lines], wrap=("who", "to what\nhow"))


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--known", metavar="POSITION:HASH", help="What was printed before: it has to be there still.")
@config_option("client")
def verify(file: Path | None, known: str | None, config: Path | None) -> None:
    """Follow the chain of hashes through the whole log.

    It is read from the queue (by an admin's token), or from FILE, which
    'audit list --json' wrote. The exit code is 1 where an entry does not
    follow the one before it, or --known is not there. Keep what is printed.
    """
    lines = list(_read(file)) if file else with_client(config, _whole)
    broken = first_break(lines)
    if broken is not None:
        click.echo(f"entry {broken} does not follow the one before it: something was changed, taken out or put in")
        sys.exit(ExitCode.FOUND)
    if known is not None and known not in (f"{line.position}:{line.chain}" for line in lines):
        click.echo(f"{known} is not there any more: the log was replaced, or begins later by now")
        sys.exit(ExitCode.FOUND)
    last = f", the last {lines[-1].position}:{lines[-1].chain}" if lines else ""
    click.echo(f"{len(lines)} entries follow each other{last}")


async def _whole(client: PeopleClient) -> list[AuditLine]:
    return [line async for line in _entries(client, {}, sys.maxsize)]


async def _entries(client: PeopleClient, query: dict[str, str], limit: int) -> AsyncIterator[AuditLine]:
    left = limit
    while left > 0:
        page = await client.audit(**query, limit=str(min(left, AUDIT_PAGE_MAX_COUNT)))
        for line in page.entries:
            yield line
        if page.after is None:
            return
        left -= len(page.entries)
        query = query | {"after": str(page.after)}


def _read(file: Path) -> Iterator[AuditLine]:
    with file.open("rb") as opened:
        for number, text in enumerate(iter(lambda: opened.readline(_LINE_MAX_BYTES), b""), 1):
            try:
                yield decode(text, AuditLine)
            except (DecodeError, msgspec.DecodeError) as error:
                raise SettingsError(f"{file}: line {number} is no entry of the audit log: {error}") from error


def _row(line: AuditLine) -> tuple[str, ...]:
    subject = printable_text(line.subject)
    done = f"{subject}\n{printable_text(line.detail)}".rstrip()
    return time_text(line.at), f"{printable_text(line.actor)}\n{line.tenant}", line.action.value, done
