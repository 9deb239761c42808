"""``sampler submit``: an analyst's feed, followed to the verdict."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.progress import Progress

from sampler.cli.exit_codes import ExitCode
from sampler.cli.flag import flag_path, outcome, summary
from sampler.cli.options import choice_of, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, size_text, warn
from sampler.cli.show import verdict_text, what_is_sent
from sampler.cli.terminal import print_table, progress
from sampler.errors import AgentUnreachable, QueueBusy, RequestError
from sampler.intake import AgentClient
from sampler.model import ObjectState, Reason, Sampling
from sampler.runtime.clock import SystemClock
from sampler.walk import NotWalked, Walked, walk
from sampler.wire.agent_messages import FlagRequest, ObjectView

_AT_ONCE = 4
_BUSY_TRIES = 20
_POLL_SECONDS = 0.25
_FINAL_WITHOUT_VERDICT = {
    state
    for state in ObjectState
    if state.is_final and state not in (ObjectState.DELIVERED, ObjectState.DUPLICATE, ObjectState.KNOWN)
}


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("--wants", type=choice_of(Sampling), default=Sampling.WHOLE.value, show_default=True)
@click.option("--wait", is_flag=True, help="Wait for the verdicts.")
@click.option("--timeout", type=click.FloatRange(min=0), default=600.0, show_default=True, help="Of --wait, seconds.")
@socket_option
@config_option("agent")
@json_option
def submit(
    paths: tuple[str, ...],
    wants: Sampling,
    wait: bool,
    timeout: float,
    socket: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Submit files and folders for analysis, as far as consent goes."""
    feed = Feed(socket_of(socket, config), FlagRequest(reason=Reason.ANALYST.value, wants=Sampling(wants)))
    found = walk([os.fsencode(path) for path in paths])
    views, late = asyncio.run(feed.run(found, timeout if wait else None))
    if as_json:
        print_ndjson(views)
    else:
        print_views(views)
    sys.exit(exit_code(views, feed.problems, late=late))


def print_views(views: Sequence[ObjectView]) -> None:
    """What became of each file, as a table."""
    columns = ("state", "sent", "bytes", "verdict", "name")
    print_table(columns, [_line(view) for view in views], wrap=("verdict", "name"))


class Feed:
    """Files on their way to the agent, a few at once, and then to their verdicts."""

    def __init__(self, socket: Path, request: FlagRequest) -> None:
        self.problems = 0
        self._socket = socket
        self._request = request

    async def run(self, steps: Iterable[Walked], wait_seconds: float | None) -> tuple[list[ObjectView], bool]:
        """Flag every file of a walk; wait for verdicts at most ``wait_seconds``. Also: whether that ran out."""
        async with AgentClient(self._socket) as client:
            with progress() as bar:
                views = await self._flag_all(client, steps, bar)
                if wait_seconds is None:
                    return views, False
                return await self._wait_all(client, views, wait_seconds, bar)

    async def _flag_all(self, client: AgentClient, steps: Iterable[Walked], bar: Progress) -> list[ObjectView]:
        found = [step.path for step in steps if self._is_file(step)]
        shown = bar.add_task("submitting", total=len(found))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(path: bytes) -> ObjectView | None:
            async with gate:
                view = await self._flag(client, path)
                bar.advance(shown)
                return view

        views = await asyncio.gather(*(one(path) for path in found))
        return [view for view in views if view is not None]

    def _is_file(self, step: Walked) -> bool:
        if isinstance(step, NotWalked):
            self._problem(step.path, step.detail)
            return False
        return True

    async def _flag(self, client: AgentClient, path: bytes) -> ObjectView | None:
        for _ in range(_BUSY_TRIES):
            try:
                return await flag_path(client, self._socket, path, self._request)
            except QueueBusy as busy:
                await SystemClock().sleep(busy.retry_after_seconds or 1.0)
            except AgentUnreachable:
                raise
            except RequestError as error:
                self._problem(path, str(error))
                return None
        self._problem(path, "the agent stayed busy; submit it again later")
        return None

    def _problem(self, path: bytes, detail: str) -> None:
        self.problems += 1
        warn(f"{os.fsdecode(path)}: {detail}")

    async def _wait_all(
        self, client: AgentClient, views: list[ObjectView], wait_seconds: float, bar: Progress
    ) -> tuple[list[ObjectView], bool]:
        shown = bar.add_task("waiting for verdicts", total=len(views))
        clock = SystemClock()
        end = clock.now().timestamp() + wait_seconds
        current = {view.id: view for view in views}
        open_ids = [view.id for view in views]
        while True:
            for event_id in open_ids:
                current[event_id] = await client.show(event_id) or current[event_id]
            open_ids = [event_id for event_id in open_ids if not _is_settled(current[event_id])]
            bar.update(shown, completed=len(views) - len(open_ids))
            if not open_ids or clock.now().timestamp() >= end:
                return list(current.values()), bool(open_ids)
            await clock.sleep(_POLL_SECONDS)


def _is_settled(view: ObjectView) -> bool:
    return view.verdict is not None or ObjectState(view.state) in _FINAL_WITHOUT_VERDICT


def _line(view: ObjectView) -> tuple[str, ...]:
    travelled = size_text(view.sent_bytes)
    return (view.state, what_is_sent(view), travelled, verdict_text(view.verdict) or summary(view), view.name)


def exit_code(views: Sequence[ObjectView], problems: int, *, late: bool) -> ExitCode:
    """What became of all files together; ``problems``: how many the agent was not even asked about."""
    if late:
        return ExitCode.TIMED_OUT
    codes = {outcome(view) for view in views}
    if problems or len(codes) > 1:
        return ExitCode.PARTIAL if views else ExitCode.ERROR
    return codes.pop() if codes else ExitCode.OK
