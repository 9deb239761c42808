"""``sampler queue audit``: who downloaded, leased and changed what, and whether the record of it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text, time_text
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.errors import SettingsError
from sampler.identity import role_of
from sampler.limits import AUDIT_PAGE_MAX_COUNT
from sampler.wire.audit_messages import Action, AuditLine, first_break
from sampler.wire.codec import DecodeError, decode
from sampler.wire.routes import Role
from sampler.worker import PeopleClient, load_client_settings

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
    columns = ("when", "who\ntenant", "did", "to what\nhow")
    print_table(columns, [_row(line) for line in lines], wrap=(columns[1], columns[3]))


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
    chain = _Chain(known)

    async def follow(client: PeopleClient) -> None:
        async for line in _entries(client, {}, sys.maxsize):
            chain.take(line)

    if file is None:
        _check_sees_all(config)
        with_client(config, follow)
    else:
        for line in _read(file):
            chain.take(line)
    sys.exit(_judged(chain))


def _check_sees_all(config: Path | None) -> None:
    """Others are shown only what their tenant's people did, and between that the chain has gaps."""
    role = role_of(load_client_settings(config, os.environ).token)
    if role is not Role.ADMIN:
        raise SettingsError(
            f"the whole log takes an admin's token, and this is one of role {role}; name another profile with --config"
        )


@dataclass(slots=True)
class _Chain:
    """What was found out so far; of the entries only the last is kept."""

    known: str | None
    """What was seen before."""
    count: int = 0
    last: AuditLine | None = None
    broken: int | None = None
    known_was_there: bool = False

    def take(self, line: AuditLine) -> None:
        """The next entry."""
        if self.broken is None:
            self.broken = first_break((line,), self.last)
        self.count, self.last = self.count + 1, line
        self.known_was_there = self.known_was_there or _mark(line) == self.known


def _judged(chain: _Chain) -> ExitCode:
    if chain.broken is not None:
        click.echo(
            f"entry {chain.broken} does not follow the one before it: something was changed, taken out or put in"
        )
        return ExitCode.FOUND
    if chain.known is not None and not chain.known_was_there:
        click.echo(f"{chain.known} is not there any more: the log was replaced, or begins later by now")
        return ExitCode.FOUND
    last = f", the last {_mark(chain.last)}" if chain.last else ""
    click.echo(f"{chain.count} entries follow each other{last}")
    return ExitCode.OK


def _mark(line: AuditLine) -> str:
    """By which an entry, and all before it, can be known again."""
    return f"{line.position}:{line.chain}"


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
