"""``sampler pending``: what a person has to approve before it leaves, and saying so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, short_time, warn
from sampler.cli.sections import wrapped
from sampler.cli.show import object_rows, what_is_sent
from sampler.cli.terminal import print_table
from sampler.errors import AgentUnreachable, RequestError
from sampler.intake import AgentClient
from sampler.model import ObjectState
from sampler.wire.agent_messages import ObjectView

_PAGE: Final = 100
_all = click.option("--all", "everything", is_flag=True, help="Everything that waits.")
_ids = click.argument("event_ids", metavar="[ID]...", nargs=-1)


@click.group()
def pending() -> None:
    """What has to be approved before it leaves; root's to decide."""


@pending.command("list")
@socket_option
@config_option("agent")
@json_option
def list_pending(socket: Path | None, config: Path | None, as_json: bool) -> None:
    """What waits, newest first."""
    views = asyncio.run(_waiting(socket_of(socket, config)))
    if as_json:
        print_ndjson(views)
        return
    if not views:
        click.echo("nothing waits for approval")
        return
    for view in views:
        click.echo("\n".join(_lines(view)))


@pending.command("show")
@click.argument("event_id", metavar="ID")
@socket_option
@config_option("agent")
@json_option
def show_pending(event_id: str, socket: Path | None, config: Path | None, as_json: bool) -> None:
    """What would leave of ID once it is approved, and why it waits."""

    async def ask() -> ObjectView | None:
        async with AgentClient(socket_of(socket, config)) as client:
            return await client.show(event_id)

    view = asyncio.run(ask())
    if view is None or view.state != ObjectState.HELD:
        warn(f"{event_id} does not wait for approval; see sampler pending list")
        sys.exit(ExitCode.ERROR)
    if as_json:
        print_ndjson([view])
    else:
        print_table(("what", "how"), list(object_rows(view)), wrap=("how",))


@pending.command()
@_ids
@_all
@socket_option
@config_option("agent")
@json_option
def approve(
    event_ids: tuple[str, ...], everything: bool, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Let what waits leave, as far as consent and policy allow it now."""
    _decide(event_ids, everything, socket_of(socket, config), as_json, approving=True)


@pending.command()
@_ids
@_all
@socket_option
@config_option("agent")
@json_option
def deny(event_ids: tuple[str, ...], everything: bool, socket: Path | None, config: Path | None, as_json: bool) -> None:
    """Refuse what waits, for good; its bytes are removed here."""
    _decide(event_ids, everything, socket_of(socket, config), as_json, approving=False)


def _decide(event_ids: tuple[str, ...], everything: bool, socket: Path, as_json: bool, *, approving: bool) -> None:
    if everything == bool(event_ids):
        raise click.UsageError("name what you decide about, or give --all")
    sys.exit(asyncio.run(_decide_each(event_ids, socket, as_json, approving=approving)))


async def _decide_each(event_ids: Sequence[str], socket: Path, as_json: bool, *, approving: bool) -> ExitCode:
    """Decide about each; what cannot be decided is said and does not stop the others."""
    chosen = event_ids or [view.id for view in await _waiting(socket)]
    failed = 0
    async with AgentClient(socket) as client:
        for event_id in chosen:
            try:
                view = await client.decide_pending(event_id, approve=approving)
            except AgentUnreachable:
                raise
            except RequestError as error:
                warn(str(error))
                failed += 1
                continue
            if as_json:
                print_ndjson([view])
            else:
                click.echo(f"{view.id}: {'approved' if approving else 'denied'}, {view.state}")
    if not failed:
        return ExitCode.OK
    return ExitCode.REFUSED if failed == len(chosen) else ExitCode.PARTIAL


async def _waiting(socket: Path) -> list[ObjectView]:
    async with AgentClient(socket) as client:
        return [view async for view in _pages(client)]


async def _pages(client: AgentClient) -> AsyncIterator[ObjectView]:
    after: str | None = None
    while True:
        page = await client.objects(state=ObjectState.HELD, after=after, limit=_PAGE)
        for view in page.objects:
            yield view
        if (after := page.after) is None:
            return


def _lines(view: ObjectView) -> Iterator[str]:
    held = f" held {short_time(view.updated)}" if view.updated else ""
    yield f"{view.id}{held}, would leave: {what_is_sent(view)}"
    yield from wrapped(view.name, indent=4)
    yield from wrapped(view.detail, indent=4)
