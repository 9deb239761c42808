"""``sampler recall``: taking back an object, and all that was made of it later."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, printable_text, warn
from sampler.cli.terminal import print_table
from sampler.intake import AgentClient
from sampler.runtime.clock import SystemClock
from sampler.wire.recall_messages import RecalledObject, RecallView, RecallWish

_LOOK_SECONDS: Final = 0.2
_WORDS: Final = {
    "untouched": "nothing of it ever left",
    "stopped": "stopped before anything of it left",
    "asked": "the queue is being asked to destroy it; the wish is kept until it confirms",
    "confirmed": "destroyed, and confirmed by the queue",
}


@click.command()
@click.argument("event_id", metavar="ID")
@click.option("--reason", help="For this machine's journal; it is not sent.")
@click.option(
    "--wait", "seconds", type=click.FloatRange(0, 3600), default=10.0, show_default=True, help="For the queue's answer."
)
@socket_option
@config_option("agent")
@json_option
def recall(
    event_id: str, reason: str | None, seconds: float, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Take back an object: what waits is not sent, what was sent is destroyed.

    All that was made of it later goes with it. Contents that others offer too
    stay with them. It needs no consent. Without an answer in time the wish is
    kept and delivered later; repeat the command to see how far it is.
    """
    view = asyncio.run(_recall(socket_of(socket, config), event_id, RecallWish(reason=reason), seconds))
    if view is None:
        warn(f"{event_id}: no such object was flagged on this machine; see sampler list")
        sys.exit(ExitCode.ERROR)
    if as_json:
        print_ndjson(view.objects)
    else:
        print_table(("id", "how far"), [_line(each) for each in view.objects], wrap=("how far",))


async def _recall(socket: Path, event_id: str, wish: RecallWish, seconds: float) -> RecallView | None:
    """What became of it once the queue has answered, or when the time is over."""
    clock = SystemClock()
    end = asyncio.get_running_loop().time() + seconds
    async with AgentClient(socket) as client:
        view = await client.recall(event_id, wish)
        while view is not None and not view.settled and asyncio.get_running_loop().time() < end:
            await clock.sleep(_LOOK_SECONDS)
            view = await client.recall(event_id, RecallWish())
    return view


def _line(taken: RecalledObject) -> tuple[str, str]:
    detail = f"\n{printable_text(taken.detail)}" if taken.standing == "confirmed" else ""
    return taken.id, _WORDS[taken.standing] + detail
