"""``sampler spool``: what waits for delivery, trying it at once, and taking it out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, socket_of, socket_option
from sampler.cli.output import counted, json_option, print_ndjson, short_time, size_text, warn
from sampler.cli.terminal import print_table
from sampler.intake import AgentClient
from sampler.wire.spool_messages import SpoolChoice, SpoolDone, SpoolGroup, SpoolStatus

T = TypeVar("T")

_GROUPS_SHOWN: Final = 20
_all = click.option("--all", "everything", is_flag=True, help="Everything that waits for delivery.")
_ids = click.argument("event_ids", metavar="[ID]...", nargs=-1)


@click.group()
def spool() -> None:
    """What waits on this machine until the queue has it."""


@spool.command()
@socket_option
@config_option("agent")
@json_option
def status(socket: Path | None, config: Path | None, as_json: bool) -> None:
    """How full it is, what waits, and for whom.

    Whose objects wait is shown to root and to the agent's own user.
    """
    answer = _ask(socket_of(socket, config), AgentClient.spool_status)
    if as_json:
        print_ndjson([answer])
        return
    print_table(("what", "how"), list(_lines(answer)), wrap=("how",))
    if answer.groups:
        click.echo()
        columns = ("rule or user", "objects", "size", "worst", "waits since")
        print_table(columns, [_row(group) for group in answer.groups[:_GROUPS_SHOWN]], wrap=columns[:1])
    if len(answer.groups) > _GROUPS_SHOWN:
        click.echo(f"and {len(answer.groups) - _GROUPS_SHOWN} more; --json shows all")


@spool.command()
@_ids
@_all
@socket_option
@config_option("agent")
@json_option
def retry(
    event_ids: tuple[str, ...], everything: bool, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Try at once what would wait longer, and the queue with it."""
    done = _do(socket_of(socket, config), _choice(event_ids, everything), AgentClient.spool_retry)
    if as_json:
        print_ndjson([done])
    else:
        click.echo(f"{counted(done.objects, 'object')} would have waited longer; the queue is tried now")


@spool.command()
@_ids
@_all
@click.option("--yes", is_flag=True, help="Do not ask before everything is taken out.")
@socket_option
@config_option("agent")
@json_option
def purge(
    event_ids: tuple[str, ...], everything: bool, yes: bool, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Take what waits out of the spool, undelivered, for good.

    It ends as evicted, and the journal has by whom. To have the queue destroy
    what has left already, use sampler recall.
    """
    choice = _choice(event_ids, everything)
    if everything and not yes:
        click.confirm("Nothing of what waits will be delivered. Go on?", abort=True, err=True)
    done = _do(socket_of(socket, config), choice, AgentClient.spool_purge)
    if as_json:
        print_ndjson([done])
    else:
        click.echo(f"{counted(done.objects, 'object')} taken out")
    left = [event_id for event_id in event_ids if event_id not in done.ids]
    for event_id in left:
        warn(f"{event_id} does not wait for delivery, or is being delivered at this moment; see sampler show")
    if left:
        sys.exit(ExitCode.PARTIAL if done.ids else ExitCode.REFUSED)


def _choice(event_ids: tuple[str, ...], everything: bool) -> SpoolChoice:
    if everything == bool(event_ids):
        raise click.UsageError("name what you mean, or give --all")
    return SpoolChoice(ids=None if everything else list(event_ids))


def _do(
    socket: Path, choice: SpoolChoice, method: Callable[[AgentClient, SpoolChoice], Awaitable[SpoolDone]]
) -> SpoolDone:
    return _ask(socket, lambda client: method(client, choice))


def _ask(socket: Path, question: Callable[[AgentClient], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with AgentClient(socket) as client:
            return await question(client)

    return asyncio.run(ask())


def _lines(answer: SpoolStatus) -> Iterator[tuple[str, str]]:
    share = 100 * answer.used_bytes / answer.max_bytes
    yield "waiting", f"{counted(answer.objects, 'object')}, {size_text(answer.used_bytes)}"
    yield "full", f"{share:.1f} % of spool.max_bytes, {size_text(answer.max_bytes)}"
    yield "disk", f"{size_text(answer.free_bytes)} free, {size_text(answer.reserve_bytes)} stay free"
    if answer.next_due is not None:
        yield "next attempt", short_time(answer.next_due)
    yield "evicted", f"{counted(answer.evicted, 'object')} so far"
    yield "expired", f"{counted(answer.expired, 'object')} so far"
    yield "encrypted by", f"a key of {short_time(answer.key_made)}"
    if answer.untold:
        yield "not in the journal", f"{counted(answer.untold, 'end')} yet; see the agent's log"


def _row(group: SpoolGroup) -> tuple[str, ...]:
    name = group.group or "from before"
    return name, str(group.objects), size_text(group.size_bytes), str(group.severity), short_time(group.since)
