"""``sampler flag``: what a scanner calls."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson
from sampler.errors import RequestError
from sampler.intake import AgentClient
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import ObjectState, Reason, Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView

M = TypeVar("M")

_TAKEN = {ObjectState.SPOOLED, ObjectState.HELD, ObjectState.DELIVERED, ObjectState.DUPLICATE, ObjectState.KNOWN}
_UNWILLING = {ObjectState.REFUSED, ObjectState.REJECTED, ObjectState.RECALLED}


@click.command()
@click.argument("path", type=click.Path(allow_dash=True))
@click.option("--detection", "detections", multiple=True, metavar="NAME", help="What the scanner calls it; repeatable.")
@click.option("--reason", type=choice_of(Reason), default=Reason.DETECTION.value, show_default=True)
@click.option("--pid", type=click.IntRange(1), help="The process concerned.")
@click.option("--origin-url", help="Where it came from.")
@click.option("--wants", type=choice_of(Sampling), help="Ask for at least this much; consent decides.")
@click.option("--id", "event_id", metavar="UUID", help="Your own identifier; the same one again changes nothing.")
@socket_option
@config_option("agent")
@json_option
def flag(
    path: str,
    detections: tuple[str, ...],
    reason: Reason,
    pid: int | None,
    origin_url: str | None,
    wants: Sampling | None,
    event_id: str | None,
    socket: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Have the agent look at PATH; "-" passes standard input.

    The answer comes when the outcome is durable: the agent may be killed
    after it and still delivers. PATH is opened with your rights.
    """
    request = FlagRequest(
        id=event_id,
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
        click.echo(f"{view.id} {view.state}: {summary(view)}")
    sys.exit(outcome(view))


def outcome(view: ObjectView) -> ExitCode:
    """The exit code that tells a script what became of an object."""
    state = ObjectState(view.state)
    if state in _TAKEN:
        return ExitCode.OK
    return ExitCode.REFUSED if state in _UNWILLING else ExitCode.ERROR


def summary(view: ObjectView) -> str:
    """One line on an object: why, and which rules matched."""
    rules = ", ".join(match.rule for match in view.matches)
    return "; ".join(text for text in (view.detail, f"rules: {rules}" if rules else "no rule matches") if text)


async def _ask(socket: Path, path: str, request: FlagRequest) -> ObjectView:
    async with AgentClient(socket) as client:
        if path == "-":
            return await client.flag_bytes(standard_input(), request)
        return await flag_path(client, socket, os.fsencode(os.path.abspath(path)), request)


async def flag_path(client: AgentClient, socket: Path, path: bytes, request: FlagRequest) -> ObjectView:
    """Flag a file by its path; an agent of another user, who cannot open it for us, gets our own open descriptor."""
    return await ask_about(socket, path, request, client.flag, client.flag_descriptor)


async def ask_about(
    socket: Path,
    path: bytes,
    request: FlagRequest,
    ask: Callable[[FlagRequest], Awaitable[M]],
    ask_with_descriptor: Callable[[int, FlagRequest], Awaitable[M]],
) -> M:
    """Ask about a file by its path, or with our own open descriptor where the agent cannot open it for us.

    Raises:
        RequestError: we cannot open it either.
    """
    named = with_path(request, path)
    if _opens_for_us(socket):
        return await ask(named)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RequestError(f"{os.fsdecode(path)}: {error.strerror}") from error
    try:
        return await ask_with_descriptor(descriptor, named)
    finally:
        os.close(descriptor)


def with_path(request: FlagRequest, path: bytes) -> FlagRequest:
    """The same request about a path, whatever bytes it is made of."""
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    try:
        return FlagRequest(**{**fields, "path": path.decode("utf-8")})
    except UnicodeDecodeError:
        return FlagRequest(**{**fields, "path_hex": path.hex()})


def _opens_for_us(socket: Path) -> bool:
    try:
        owner = socket.stat().st_uid
    except OSError:
        return True  # asking will say what is wrong with the socket
    return owner in (0, os.geteuid())


async def standard_input() -> AsyncIterator[bytes]:
    """Standard input, in chunks."""
    while chunk := sys.stdin.buffer.read(COPY_CHUNK_BYTES):
        yield chunk
