"""``sampler preview``: exactly what flagging a file would send, before anything is sent."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.flag import ask_about, standard_input
from sampler.cli.options import choice_of, config_option, socket_of, socket_option
from sampler.cli.output import counted, json_option, print_ndjson, size_text
from sampler.cli.sections import beneath, bullet, dump, named_lines, section, value_text, wrapped
from sampler.cli.show import content_text
from sampler.intake import AgentClient
from sampler.model import Reason, Sampling
from sampler.wire.agent_messages import FlagRequest
from sampler.wire.preview_messages import PreviewContent, PreviewField, PreviewView


@click.command()
@click.argument("path", type=click.Path(allow_dash=True))
@click.option("--detection", "detections", multiple=True, metavar="NAME", help="What the scanner calls it; repeatable.")
@click.option("--reason", type=choice_of(Reason), default=Reason.DETECTION.value, show_default=True)
@click.option("--pid", type=click.IntRange(1), help="The process concerned.")
@click.option("--origin-url", help="Where it came from.")
@click.option("--wants", type=choice_of(Sampling), help="Ask for at least this much; consent decides.")
@click.option(
    "--bytes", "shown_bytes", type=click.IntRange(0, 256), default=48, show_default=True, help="Shown of each part."
)
@socket_option
@config_option("agent")
@json_option
def preview(
    path: str,
    detections: tuple[str, ...],
    reason: Reason,
    pid: int | None,
    origin_url: str | None,
    wants: Sampling | None,
    shown_bytes: int,
    socket: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show what flagging PATH would send; "-" passes standard input.

    Each field before and after its treatment, each part with its first bytes,
    what is left out, and the rule that decided. Nothing is sent or kept.
    """
    request = FlagRequest(
        reason=Reason(reason).value,
        detections=list(detections),
        pid=pid,
        origin_url=origin_url,
        wants=Sampling(wants) if wants else None,
    )
    view = asyncio.run(_ask(socket_of(socket, config), path, request))
    if as_json:
        print_ndjson([view])
    else:
        click.echo("\n".join(preview_lines(path, view, shown_bytes)))
    sys.exit(ExitCode.OK if view.sends else ExitCode.REFUSED)


async def _ask(socket: Path, path: str, request: FlagRequest) -> PreviewView:
    async with AgentClient(socket) as client:
        if path == "-":
            return await client.preview_bytes(standard_input(), request)
        absolute = os.fsencode(os.path.abspath(path))
        return await ask_about(socket, absolute, request, client.preview, client.preview_descriptor)


def preview_lines(path: str, view: PreviewView, shown_bytes: int) -> Iterator[str]:
    """What people read of a preview."""
    yield from wrapped(f"{path}: {size_text(view.object.size)}, {view.kind}, {view.mime_type}", indent=0)
    yield f"sha256 {view.object.sha256}"
    yield from wrapped(_gist(view), indent=0)
    if not view.sends:
        return
    for scope in sorted({field.scope for field in view.fields}):
        yield from section(f"FIELDS, scope {scope}", _field_lines(view.fields, scope))
    for match in view.matches:
        yield from section("RULE MATCH", _field_lines(match))
    goes = [each for each in view.contents if not each.held]
    held = [each for each in view.contents if each.held]
    yield from section("BYTES", (line for each in goes for line in _content_lines(each, shown_bytes)))
    title = "HELD until a person approves them: sampler pending"
    yield from section(title, (line for each in held for line in _content_lines(each, shown_bytes)))
    stays = [field for group in (view.fields, *view.matches) for field in group if field.after is None]
    yield from section("STAYS HERE", _staying_lines(stays))
    yield from section("LEFT OUT", (line for each in view.omissions for line in bullet(each.what, each.reason)))
    undone = (bullet(f"{each.stage} {each.code}", each.detail) for each in view.problems)
    yield from section("NOT DONE", (line for lines in undone for line in lines))


def _gist(view: PreviewView) -> str:
    if not view.sends:
        return f"Nothing of it would leave. {view.rule}: {view.detail}"
    fields = counted(sum(field.after is not None for field in view.fields), "field")
    matches = counted(len(view.matches), "rule match", "rule matches")
    contents = counted(sum(not each.held for each in view.contents), "content")
    size = view.manifest_bytes + view.content_bytes
    what = f"{fields}, {matches}, {contents}; {size} bytes in all"
    return f"Would be sent under {view.statement}: {what}. Nothing was sent now."


def _field_lines(fields: Iterable[PreviewField], scope: str | None = None) -> Iterator[str]:
    """What is sent; where it is not as the host has it, both, and what was done."""
    for field in fields:
        if field.after is None or scope not in (None, field.scope):
            continue
        changed = field.before != field.after
        yield from named_lines(field.name, value_text(field.before if changed else field.after))
        if changed:
            yield from beneath(f"→ {value_text(field.after)}  ({field.treatment})")


def _staying_lines(fields: Iterable[PreviewField]) -> Iterator[str]:
    for field in fields:
        yield from named_lines(field.name, value_text(field.before))
        yield from beneath(field.why)


def _content_lines(content: PreviewContent, shown_bytes: int) -> Iterator[str]:
    part = content.content.part
    yield from wrapped("whole object" if part is None else content_text(content.content), hanging=4)
    yield from wrapped(content.why, indent=6)
    yield from dump(bytes.fromhex(content.head)[:shown_bytes], part.offset if part else 0)
