"""``sampler queue retention``: how long what came in is kept, seeing what is due before it goes, and holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.moments import MOMENT
from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, short_time, size_text, time_text, warn
from sampler.cli.queue_clients import with_client
from sampler.cli.sections import named_lines, wrapped
from sampler.cli.terminal import print_table
from sampler.limits import RETENTION_BATCH_MAX_COUNT
from sampler.wire.retention_messages import (
    DueLine,
    HoldKind,
    HoldRequest,
    HoldView,
    Part,
    RetentionStatus,
    RunAnswer,
    RunRequest,
)
from sampler.worker import PeopleClient

_SHOWN_COUNT = 20


@click.group()
def retention() -> None:
    """How long what came in is kept, and what is exempt from it."""


@retention.command()
@config_option("client")
@json_option
def status(config: Path | None, as_json: bool) -> None:
    """The rules, since when they stand, and what is due by them."""
    found = with_client(config, lambda client: client.retention())
    if as_json:
        print_ndjson([found])
    else:
        click.echo("\n".join(_status_lines(found)))


def _status_lines(found: RetentionStatus) -> Iterator[str]:
    yield from named_lines("contents are kept", f"{found.contents_days:g} days, or as long as their statement says")
    yield from named_lines("records are kept", f"{found.records_days:g} days")
    for rule in found.rules:
        yield from wrapped(f"rule {rule}")
    yield from named_lines("these rules stand since", time_text(found.since))
    yield from named_lines("they destroy by themselves", f"from {time_text(found.acts_from)} on")
    yield from named_lines(
        "due now", f"contents of {_count(found.contents_due)}, records of {_count(found.records_due)}"
    )
    if found.to_reckon:
        yield from named_lines("still by earlier rules", _count(found.to_reckon))
    if found.to_destroy:
        yield from named_lines("bytes to be destroyed", f"{found.to_destroy} contents")
    yield from named_lines("holds", str(found.holds))


def _count(submissions: int) -> str:
    return "1,000 submissions or more" if submissions >= 1000 else f"{submissions} submissions"


@retention.command()
@click.option("--dry-run", is_flag=True, help="Show what would be destroyed; change nothing.")
@click.option("--at", type=MOMENT, metavar="TIME", help="With --dry-run: as if it were then, as in 2027-01-01.")
@click.option("--yes", is_flag=True, help="Do not ask before anything is destroyed.")
@config_option("client")
@json_option
def run(dry_run: bool, at: datetime | None, yes: bool, config: Path | None, as_json: bool) -> None:
    """Destroy what is due now, at once.

    The queue does the same by itself, once the rules have stood for a day.
    What is destroyed does not come back: look at it with --dry-run first.
    The exit code is 3 where something could not be destroyed.
    """
    if dry_run:
        with_client(config, lambda client: _print_due(client, at, as_json=as_json))
        return
    if at is not None:
        raise click.UsageError("--at needs --dry-run: nothing is destroyed before its time")
    if not yes:
        click.confirm("Destroy what is due now? It does not come back", abort=True, err=True)
    done = with_client(config, _run)
    if as_json:
        print_ndjson([done])
    else:
        click.echo("\n".join(_run_lines(done)))
    if done.failed:
        warn(f"{done.failed} contents could not be destroyed; the queue's log says why")
        raise SystemExit(ExitCode.PARTIAL)


def _run_lines(done: RunAnswer) -> Iterator[str]:
    yield from named_lines("submissions without contents", str(done.contents_of))
    yield from named_lines("submissions destroyed", str(done.records_of))
    yield from named_lines("contents destroyed", str(done.destroyed))
    yield from named_lines("contents brought anew", str(done.wanted_again))


async def _run(client: PeopleClient) -> RunAnswer:
    """All of it, a batch a request."""
    total, more = RunAnswer(), True
    while more:
        done = await client.run_retention(RunRequest(limit=RETENTION_BATCH_MAX_COUNT))
        more = done.more
        total = RunAnswer(
            contents_of=total.contents_of + done.contents_of,
            records_of=total.records_of + done.records_of,
            destroyed=total.destroyed + done.destroyed,
            wanted_again=total.wanted_again + done.wanted_again,
            failed=done.failed,
        )
    return total


async def _print_due(client: PeopleClient, at: datetime | None, *, as_json: bool) -> None:
    for part in Part:
        shown: list[DueLine] = []
        count = size = 0
        async for line in _due(client, part, at):
            count, size = count + 1, size + line.bytes
            if as_json:
                print_ndjson([line])
            elif len(shown) < _SHOWN_COUNT:
                shown.append(line)
        if not as_json:
            _print_part(part, shown, count, size)


def _print_part(part: Part, shown: list[DueLine], count: int, size: int) -> None:
    click.echo(f"{part} of {count} submissions would be destroyed, with {size_text(size)} of contents")
    if shown:
        rows = [(line.submission, short_time(line.due), size_text(line.bytes), line.why) for line in shown]
        print_table(("submission", "due", "contents", "because of"), rows, wrap=("because of",))
    if count > len(shown):
        click.echo(f"… and {count - len(shown)} more; --json lists all")
    click.echo()


async def _due(client: PeopleClient, part: Part, at: datetime | None) -> AsyncIterator[DueLine]:
    after: str | None = None
    while True:
        page = await client.retention_due(part, at, after)
        for line in page.lines:
            yield line
        after = page.after
        if after is None:
            return


@retention.group()
def hold() -> None:
    """What retention leaves alone until it is lifted. A recall by the host still counts."""


@hold.command("add")
@click.argument("kind", type=choice_of(HoldKind))
@click.argument("target")
@click.option("--reason", required=True, help="Why: the case, the court, the request.")
@config_option("client")
@json_option
def add(kind: str, target: str, reason: str, config: Path | None, as_json: bool) -> None:
    """Keep a submission (its ID), all with a content (its SHA-256), or all of a device (its ID)."""
    request = HoldRequest(kind=HoldKind(kind), target=target, reason=reason)
    view = with_client(config, lambda client: client.place_hold(request))
    if as_json:
        print_ndjson([view])
    else:
        click.echo("\n".join((*_hold_lines(view), "lift it with: sampler queue retention hold lift ID")))


@hold.command("list")
@click.option("--all", "lifted", is_flag=True, help="Those that were lifted too.")
@config_option("client")
@json_option
def list_holds(lifted: bool, config: Path | None, as_json: bool) -> None:
    """Holds, the newest first."""
    page = with_client(config, lambda client: client.holds(lifted=lifted))
    if as_json:
        print_ndjson(page.holds)
        return
    click.echo("".join(f"{line}\n" for view in page.holds for line in _hold_lines(view)), nl=False)


def _hold_lines(view: HoldView) -> Iterator[str]:
    """A hold in lines of 80 columns, identifiers and hashes in one piece."""
    yield view.id
    yield f"  on {view.kind} {view.target}"
    yield from wrapped(f"placed {short_time(view.placed)} by {view.placed_by}: {view.reason}")
    if view.lifted is not None:
        yield from wrapped(f"lifted {short_time(view.lifted)} by {view.lifted_by}")


@hold.command("lift")
@click.argument("hold_id", metavar="ID")
@config_option("client")
@json_option
def lift(hold_id: str, config: Path | None, as_json: bool) -> None:
    """Let retention go on with it."""
    view = with_client(config, lambda client: client.lift_hold(hold_id))
    if as_json:
        print_ndjson([view])
    else:
        click.echo("\n".join(_hold_lines(view)))
