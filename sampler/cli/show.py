"""``sampler show`` and ``sampler list``: what became of flagged objects."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, printable_text, short_time, size_text, time_text, warn
from sampler.cli.terminal import print_table
from sampler.intake import AgentClient
from sampler.model import ObjectState
from sampler.wire.agent_messages import ObjectPage, ObjectView
from sampler.wire.messages import ContentMessage, PartMessage, VerdictMessage


@click.command()
@click.argument("event_id", metavar="ID")
@socket_option
@config_option("agent")
@json_option
def show(event_id: str, socket: Path | None, config: Path | None, as_json: bool) -> None:
    """What became of one object: state, what was sent, verdict."""

    async def ask() -> ObjectView | None:
        async with AgentClient(socket_of(socket, config)) as client:
            return await client.show(event_id)

    view = asyncio.run(ask())
    if view is None:
        warn(f"{event_id}: no such object was flagged on this machine; see sampler list")
        sys.exit(ExitCode.ERROR)
    if as_json:
        print_ndjson([view])
    else:
        print_table(("what", "how"), list(object_rows(view)), wrap=("how",))


_COVERS_SHOWN: Final = 4


def object_rows(view: ObjectView) -> list[tuple[str, str]]:
    """What people read of one object; what does not apply to it is left out."""
    rows = [
        ("id", view.id),
        ("name", view.name),
        ("follows", view.follows or ""),
        ("state", f"{view.state}: {view.detail}" if view.detail else view.state),
        ("decided by", view.rule),
        ("flagged", time_text(view.created)),
        ("sha256", view.sha256 or ""),
        ("size", "" if view.size is None else size_text(view.size)),
        ("detections", ", ".join(view.detections)),
        ("rules", ", ".join(f"{match.rule} ({match.strings})" for match in view.matches)),
        ("would leave" if view.state == ObjectState.HELD else "taken", what_is_sent(view)),
        *(("", content_text(content)) for content in view.contents if content.part is not None),
        *(("left out", f"{omission.what}: {omission.reason}") for omission in view.omissions),
        ("travelled", size_text(view.sent_bytes)),
        ("verdict", verdict_text(view.verdict)),
    ]
    return [row for row in rows if row[1]]


def what_is_sent(view: ObjectView) -> str:
    """``whole``, ``3 parts``, ``metadata`` or ``nothing``."""
    if view.sampling == "parts":
        count = len(view.contents)
        return f"{count} part{'s' if count != 1 else ''}"
    return "nothing" if view.sampling == "none" else view.sampling.value


def content_text(content: ContentMessage) -> str:
    """One part: what it is, and where it lies or how it is made."""
    part = content.part
    assert part is not None
    name = printable_text(f"{part.kind}:{part.name}" if part.name else part.kind.value)
    place = f"by {printable_text(' > '.join(part.recipe))}" if part.recipe else f"at {part.offset}"
    return f"{name} {place}, {content.size} bytes{_covers_text(part)}"


def _covers_text(part: PartMessage) -> str:
    """What lies inside it, each name once."""
    names = list(dict.fromkeys(f"{each.kind}:{each.name}" if each.name else each.kind.value for each in part.covers))
    if not names:
        return ""
    more = f" and {len(names) - _COVERS_SHOWN} more" if len(names) > _COVERS_SHOWN else ""
    return f", with {printable_text(', '.join(names[:_COVERS_SHOWN]))}{more}"


def verdict_text(verdict: VerdictMessage | None) -> str:
    """A verdict in one line; empty when there is none yet."""
    if verdict is None:
        return ""
    family = f" {verdict.family}" if verdict.family else ""
    note = f": {verdict.note}" if verdict.note else ""
    return f"{verdict.conclusion} ({verdict.score}){family} by {verdict.analyzer}{note}"


@click.command("list")
@click.option("--state", type=choice_of(ObjectState), metavar="STATE", help="Only objects in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@socket_option
@config_option("agent")
@json_option
def list_objects(
    state: ObjectState | None, limit: int, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Flagged objects, newest first."""

    async def ask() -> ObjectPage:
        async with AgentClient(socket_of(socket, config)) as client:
            return await client.objects(state=state, limit=limit)

    page = asyncio.run(ask())
    if as_json:
        print_ndjson(page.objects)
        return
    columns = ("id\nname", "flagged", "state", "sent", "verdict")
    print_table(columns, [_line(view) for view in page.objects], wrap=columns[:1])


def _line(view: ObjectView) -> tuple[str, ...]:
    verdict = view.verdict.conclusion.value if view.verdict else ""
    return (f"{view.id}\n{view.name}".rstrip(), short_time(view.created), view.state, what_is_sent(view), verdict)
