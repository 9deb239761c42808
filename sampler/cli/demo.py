"""``sampler demo``: the whole path on this machine, on harmless samples, held against what is expected of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import click
from rich.progress import Progress, TaskID

from sampler.cli.demo_captures import Captured, capture_all, capture_differences
from sampler.cli.demo_check import differences, sent_word
from sampler.cli.demo_fixtures import Case, load_cases
from sampler.cli.demo_lab import Lab
from sampler.cli.demo_report import DemoLine, part_names, print_report, reasons
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of
from sampler.cli.output import json_option, print_ndjson, warn
from sampler.cli.queue_tasks import tasks_of
from sampler.cli.terminal import progress
from sampler.intake import AgentClient
from sampler.model import ObjectState, Reason, Scope
from sampler.permit import Region, shipped_names, shipped_statement
from sampler.runtime.clock import SystemClock
from sampler.runtime.places import shipped
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.messages import TaskView
from sampler.worker import PeopleClient, load_client_settings

_AT_ONCE = 4
_POLL_SECONDS = 0.05
_WAIT_SECONDS = 60.0
_ON_ITS_WAY = {ObjectState.SPOOLED, ObjectState.HELD}
_AT_THE_QUEUE = {ObjectState.DELIVERED, ObjectState.DUPLICATE}


@dataclass(slots=True)
class Run:
    """One sample or capture on its way."""

    of: Case | Captured
    view: ObjectView
    began: float
    seconds: float

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to it."""
        state = ObjectState(self.view.state)
        return self.view.verdict is not None if state in _AT_THE_QUEUE else state.is_final


@click.command()
@click.option("--statement", type=click.Choice(shipped_names()), default="extended", show_default=True)
@click.option("--region", type=choice_of(Region), default=Region.WORLD.value, help="Whose form of it; default: world.")
@click.option("--samples", type=click.Path(path_type=Path, exists=True), help="Default: those that ship with Sampler.")
@click.option("--keep", is_flag=True, help="Leave everything running and say where to look.")
@json_option
def demo(statement: str, region: str, samples: Path | None, keep: bool, as_json: bool) -> None:
    """Do the main job on this machine, in a throwaway folder.

    Starts a queue, an agent and a worker as separate processes on loopback,
    flags every sample, captures memory, boot records, a process's activity
    and a trusted file, waits for the verdicts, and compares each with what is
    expected. Exit code 1: something differs.
    """
    scopes = shipped_statement(statement, Region(region)).joint
    cases = load_cases(samples or shipped("samples_fixture"), scopes)
    folder = Path(tempfile.mkdtemp(prefix="sampler-demo-"))
    began, lab = monotonic(), Lab(folder)
    try:
        runs, tasks = asyncio.run(_run(lab, cases, (statement, region), keep=keep))
    except BaseException:
        click.echo(f"what the processes said is in {folder}", err=True)
        raise
    lines = [_line(run, tasks.get(run.view.id), scopes) for run in runs]
    if as_json:
        print_ndjson(lines)
    else:
        print_report(lines, monotonic() - began)
    if keep:
        _say_where(lab)
    else:
        shutil.rmtree(folder)
    sys.exit(ExitCode.FOUND if any(line.differences for line in lines) else ExitCode.OK)


async def _run(
    lab: Lab, cases: Sequence[Case], accepted: tuple[str, str], *, keep: bool
) -> tuple[list[Run], dict[str, tuple[TaskView, dict[str, str]]]]:
    done = False
    try:
        with progress() as bar:
            setting_up = bar.add_task("setting up", total=1)
            await lab.set_up(*accepted)
            bar.advance(setting_up)
            runs = await _flag_all(lab.socket, cases, bar)
            runs += await _capture_all(lab, bar)
            await lab.start_worker()
            await _settle(lab.socket, runs, bar)
            tasks = await _look_at_the_queue(lab, bar)
        done = True
        return runs, tasks
    finally:
        if not (keep and done):
            await lab.stop()


async def _flag_all(socket: Path, cases: Sequence[Case], bar: Progress) -> list[Run]:
    shown = bar.add_task("flagging", total=len(cases))
    gate = asyncio.Semaphore(_AT_ONCE)
    async with AgentClient(socket) as client:

        async def one(case: Case) -> Run:
            async with gate:
                began = monotonic()
                request = FlagRequest(
                    path=os.path.abspath(case.file),
                    reason=Reason.DETECTION.value,
                    detections=case.expected.detections,
                )
                view = await client.flag(request)
                bar.advance(shown)
                return Run(case, view, began, monotonic() - began)

        return list(await asyncio.gather(*(one(case) for case in cases)))


async def _capture_all(lab: Lab, bar: Progress) -> list[Run]:
    shown = bar.add_task("capturing", total=1)
    began = monotonic()
    async with AgentClient(lab.socket) as client:
        captured = await capture_all(client, lab.folder)
    bar.advance(shown)
    return [Run(each, each.view, began, monotonic() - began) for each in captured]


async def _settle(socket: Path, runs: Sequence[Run], bar: Progress) -> None:
    """Follow every sample to its verdict, or to the end it comes to without one."""
    delivering = bar.add_task("delivering", total=len(runs))
    analyzing = bar.add_task("analyzing", total=len(runs))
    clock, end = SystemClock(), monotonic() + _WAIT_SECONDS
    async with AgentClient(socket) as client:
        while open_runs := [run for run in runs if not run.settled]:
            for run in open_runs:
                run.view = await client.show(run.view.id) or run.view
                run.seconds = monotonic() - run.began
            _advance(bar, delivering, analyzing, runs)
            if monotonic() > end:
                warn(f"{len(open_runs)} samples did not come to an end within {_WAIT_SECONDS:.0f} s")
                return
            await clock.sleep(_POLL_SECONDS)


def _advance(bar: Progress, delivering: TaskID, analyzing: TaskID, runs: Sequence[Run]) -> None:
    bar.update(delivering, completed=sum(ObjectState(run.view.state) not in _ON_ITS_WAY for run in runs))
    bar.update(analyzing, completed=sum(run.settled for run in runs))


async def _look_at_the_queue(lab: Lab, bar: Progress) -> dict[str, tuple[TaskView, dict[str, str]]]:
    """Each submission's task as the queue has it, and the SHA-256 of every content that it gives out."""
    settings = load_client_settings(lab.client_config, os.environ)
    found: dict[str, tuple[TaskView, dict[str, str]]] = {}
    async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
        tasks = await tasks_of(client, limit=1000)
        shown = bar.add_task("comparing", total=len(tasks))
        for task in tasks:
            found[task.submission] = (task, await _downloaded(client, task, lab.folder))
            bar.advance(shown)
    return found


async def _downloaded(client: PeopleClient, task: TaskView, folder: Path) -> dict[str, str]:
    """What was asked for by its hash, and the hash of what came."""
    hashes = {}
    for content in task.contents:
        file = folder / f"{content.sha256}.download"
        hashes[content.sha256] = await client.download(content.sha256, content.size, file)
        file.unlink()
    return hashes


def _line(run: Run, at_queue: tuple[TaskView, dict[str, str]] | None, scopes: frozenset[Scope]) -> DemoLine:
    task, hashes = at_queue or (None, {})
    view = run.view
    return DemoLine(
        sample=run.of.name,
        rules=[match.rule for match in view.matches],
        sent=sent_word(view),
        parts=part_names(view),
        reasons=reasons(view),
        bytes=view.sent_bytes,
        state=view.state,
        verdict=view.verdict.conclusion.value if view.verdict else "",
        seconds=round(run.seconds, 2),
        differences=_differences(run, task, hashes, scopes),
    )


def _differences(run: Run, task: TaskView | None, hashes: dict[str, str], scopes: frozenset[Scope]) -> list[str]:
    if isinstance(run.of, Case):
        return differences(run.of, run.view, task, hashes)
    return capture_differences(replace(run.of, view=run.view), task, hashes, scopes)


def _say_where(lab: Lab) -> None:
    click.echo(f"""
Everything is still running; its state is in {lab.folder}.
  sampler list --config {lab.agent_config}
  sampler history --config {lab.agent_config}
  sampler queue tasks list --config {lab.client_config}
Stop it:  kill {" ".join(str(process) for process in _pids(lab))}""")


def _pids(lab: Lab) -> list[int]:
    return [process.pid for process in lab.processes.values()]
