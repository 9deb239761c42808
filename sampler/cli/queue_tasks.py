"""``sampler queue tasks``: an analyst's hand on the queue."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click

from sampler.cli.download import download_task
from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text, short_time, size_text, time_text
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.errors import NotFound
from sampler.limits import TASKS_PAGE_MAX_COUNT
from sampler.model import Conclusion, TaskState
from sampler.wire.messages import (
    CancelRequest,
    CompleteRequest,
    FailRequest,
    LeaseRequest,
    RenewRequest,
    StageView,
    TaskView,
)
from sampler.worker import PeopleClient

_lease = click.option("--lease", required=True, envvar="SAMPLER_LEASE", help="The secret that tasks lease printed.")


@click.group()
def tasks() -> None:
    """List, lease, download, complete, fail and cancel tasks."""


@tasks.command("list")
@click.option("--state", type=choice_of(TaskState), help="Only tasks in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@config_option("client")
@json_option
def list_tasks(state: str | None, limit: int, config: Path | None, as_json: bool) -> None:
    """Tasks, oldest first."""
    found = with_client(config, lambda client: tasks_of(client, state=state, limit=limit))
    if as_json:
        print_ndjson(found)
        return
    columns = ("id\nrules that matched", "state\nstage", "pri", "try", "size", "created")
    print_table(columns, [_line(task) for task in found], wrap=columns[:1])


async def tasks_of(client: PeopleClient, *, state: str | None = None, limit: int) -> list[TaskView]:
    """The oldest ``limit`` tasks, fetched a page at a time."""
    found: list[TaskView] = []
    after = None
    while len(found) < limit:
        page = await client.tasks(state=state, after=after, limit=min(TASKS_PAGE_MAX_COUNT, limit - len(found)))
        found += page.tasks
        after = page.after
        if after is None:
            break
    return found


def _line(task: TaskView) -> tuple[str, ...]:
    rules = "\n".join(str(match.get("rule.name", "")) for match in task.matches)
    size = size_text(task.object.size)
    state = task.state.value if len(task.stages) < 2 else f"{task.state.value}\n{_stage(task)}"
    tries = (str(task.priority), str(task.attempts))
    return (f"{task.id}\n{rules}".rstrip(), state, *tries, size, short_time(task.created))


def _stage(task: TaskView) -> str:
    return f"{task.stages[task.stage].kind} {task.stage + 1}/{len(task.stages)}"


@tasks.command()
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--worker", default=lambda: os.environ.get("USER", "analyst"), help="Who leases; default: you.")
@click.option("--seconds", type=click.FloatRange(min=1), default=1800.0, show_default=True)
@config_option("client")
@json_option
def lease(task_id: str | None, worker: str, seconds: float, config: Path | None, as_json: bool) -> None:
    """Take the next task, or the named one, for some time."""
    request = LeaseRequest(worker=worker, seconds=seconds, task=task_id)
    given = with_client(config, lambda client: client.lease(request))
    if given is None:
        raise NotFound("no task is waiting")
    if as_json:
        print_ndjson([given])
        return
    click.echo(f"task     {given.task.id}\nlease    {given.lease}\nexpires  {time_text(given.expires)}")
    for content in given.task.contents:
        part = f"{content.part.kind}:{content.part.name} at {content.part.offset}" if content.part else "whole"
        click.echo(f"content  {content.sha256}  {content.size} bytes  {part}")


tasks.add_command(download_task)


@tasks.command()
@click.argument("task_id", metavar="ID")
@_lease
@click.option("--conclusion", type=choice_of(Conclusion), required=True)
@click.option("--score", type=click.IntRange(0, 100), required=True, help="0 harmless … 100 certainly malicious.")
@click.option("--family")
@click.option("--note")
@click.option("--analyzer", default=lambda: os.environ.get("USER", "analyst"), help="Who concludes; default: you.")
@config_option("client")
def complete(
    task_id: str,
    lease: str,
    conclusion: str,
    score: int,
    family: str | None,
    note: str | None,
    analyzer: str,
    config: Path | None,
) -> None:
    """Report a verdict; it goes back to the host that asked."""
    request = CompleteRequest(
        lease=lease, conclusion=Conclusion(conclusion), score=score, analyzer=analyzer, family=family, note=note
    )
    _say(with_client(config, lambda client: client.complete(task_id, request)))


@tasks.command()
@click.argument("task_id", metavar="ID")
@_lease
@click.option("--reason", required=True)
@click.option("--no-retry", is_flag=True, help="Do not try again: straight to the dead letters.")
@config_option("client")
def fail(task_id: str, lease: str, reason: str, no_retry: bool, config: Path | None) -> None:
    """Give a task back because it could not be analyzed."""
    request = FailRequest(lease=lease, reason=reason, retry=not no_retry)
    _say(with_client(config, lambda client: client.fail(task_id, request)))


@tasks.command()
@click.argument("task_id", metavar="ID")
@_lease
@click.option("--seconds", type=click.FloatRange(min=1), default=1800.0, show_default=True)
@config_option("client")
def renew(task_id: str, lease: str, seconds: float, config: Path | None) -> None:
    """Keep a lease longer."""
    _say(with_client(config, lambda client: client.renew(task_id, RenewRequest(lease=lease, seconds=seconds))))


@tasks.command()
@click.argument("task_id", metavar="ID")
@click.option("--reason", required=True, help="Kept with the task.")
@config_option("client")
def cancel(task_id: str, reason: str, config: Path | None) -> None:
    """End a task without a verdict; who works on it is stopped."""
    _say(with_client(config, lambda client: client.cancel(task_id, CancelRequest(reason=reason))))


@tasks.command()
@click.argument("task_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "state", type=click.Choice(["dead", "cancelled"]), help="All that are so.")
@config_option("client")
def requeue(task_ids: tuple[str, ...], state: str | None, config: Path | None) -> None:
    """Let dead or cancelled tasks be tried again."""
    if bool(task_ids) == (state is not None):
        raise click.UsageError("name tasks, or all of a state with --all")

    async def ask(client: PeopleClient) -> None:
        async for task_id in _each_in(client, state) if state else _each_of(task_ids):
            _say(await client.requeue(task_id))

    with_client(config, ask)


@tasks.command()
@click.argument("task_id", metavar="ID")
@config_option("client")
@json_option
def show(task_id: str, config: Path | None, as_json: bool) -> None:
    """One task: its stages, and what each concluded."""
    task = with_client(config, lambda client: client.task(task_id))
    if as_json:
        print_ndjson([task])
        return
    click.echo(f"{task.id} {task.state}, priority {task.priority}, tenant {task.tenant}")
    if task.failure:
        click.echo(f"last failure: {printable_text(task.failure)}")
    print_table(
        ("stage", "conclusion", "score", "what was said"), map(_stage_line, task.stages), wrap=("what was said",)
    )


@tasks.command()
@click.option("--kind", "kinds", multiple=True, help="Only this kind; may be repeated.")
@config_option("client")
def watch(kinds: tuple[str, ...], config: Path | None) -> None:
    """Print the kinds of work that wait, as NDJSON, whenever that changes."""

    async def follow(client: PeopleClient) -> None:
        last = None
        while True:
            async for event in client.work(kinds):
                if event != last:
                    print_ndjson([event])
                last = event

    with_client(config, follow)


def _stage_line(stage: StageView) -> tuple[str, ...]:
    verdict = stage.verdict
    if verdict is None:
        return (stage.kind, "failed" if stage.failure else "-", "", printable_text(stage.failure or ""))
    said = ": ".join(printable_text(each) for each in (verdict.analyzer, verdict.family, verdict.note) if each)
    return (stage.kind, verdict.conclusion.value, str(verdict.score), said)


async def _each_in(client: PeopleClient, state: str) -> AsyncIterator[str]:
    """Page by page: each page that is requeued makes room for the next."""
    while tasks := (await client.tasks(state=state)).tasks:
        for task in tasks:
            yield task.id


async def _each_of(task_ids: Sequence[str]) -> AsyncIterator[str]:
    for task_id in task_ids:
        yield task_id


def _say(task: TaskView) -> None:
    until = f" until {time_text(task.expires)}" if task.expires else ""
    click.echo(f"{task.id} {task.state}{until}")
