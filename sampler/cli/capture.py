"""``sampler capture``: what is no file, taken by the agent as far as consent goes."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import click

from sampler.cli.capture_trusted import trusted
from sampler.cli.exit_codes import ExitCode
from sampler.cli.flag import outcome, summary
from sampler.cli.options import Decorator, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, size_text
from sampler.cli.preview import preview_lines
from sampler.cli.show import what_is_sent
from sampler.cli.terminal import progress
from sampler.cli.values import ADDRESSES, PERMISSION, SIZE
from sampler.errors import RequestError
from sampler.intake import AgentClient
from sampler.limits import KIB, MATCH_CONTEXT_MAX_BYTES, PROCESS_ID_MAX
from sampler.model import Sampling
from sampler.runtime.process_sighting import Sighting
from sampler.wire.agent_messages import ObjectView
from sampler.wire.capture_messages import (
    ActivityTarget,
    AddressRange,
    BootTarget,
    CaptureRequest,
    MemoryTarget,
)
from sampler.wire.preview_messages import PreviewView

_SHOWN_BYTES: Final = 48
_WINDOW: Final = str(4 * KIB)
_PID = click.IntRange(1, PROCESS_ID_MAX)

id_option: Decorator = click.option("--id", "event_id", metavar="UUID", help="Your own identifier for it.")
preview_option: Decorator = click.option("--preview", is_flag=True, help="Show what would be sent; send nothing.")


@click.group()
def capture() -> None:
    """Capture memory, boot records, a process's activity or trusted files.

    Each needs its own scope of the consent: memory, boot, activity, trusted.
    """


capture.add_command(trusted)


@capture.command()
@click.argument("pid", type=_PID)
@click.option("--whole", is_flag=True, help="All that can be read, as one content.")
@click.option("--permission", "permissions", multiple=True, type=PERMISSION, help="Regions with rwx, r-x, ??x …")
@click.option("--address", "ranges", multiple=True, type=ADDRESSES, help="START-END, hexadecimal; END is not taken.")
@click.option("--match", is_flag=True, help="Only what lies around the hits of rules.")
@click.option("--window", type=SIZE, default=_WINDOW, show_default=True, help="Of --match, on each side of a hit.")
@preview_option
@id_option
@socket_option
@config_option("agent")
@json_option
def memory(
    pid: int,
    whole: bool,
    permissions: tuple[str, ...],
    ranges: tuple[tuple[int, int], ...],
    match: bool,
    window: int,
    preview: bool,
    event_id: str | None,
    socket: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Capture memory of process PID while it runs.

    Without options: executable memory that no file holds, memory that is both
    writable and executable, and the program's own code. The process is not
    stopped. Its memory is read with your rights, as the kernel sees them.
    """
    if window > MATCH_CONTEXT_MAX_BYTES:
        raise click.BadParameter(f"a window has at most {MATCH_CONTEXT_MAX_BYTES} bytes", param_hint="--window")
    if whole and match:
        raise click.UsageError("--match takes windows and --whole takes all; give one of them")
    target = MemoryTarget(
        pid=pid,
        started=_started(pid),
        whole=whole,
        permissions=permissions,
        ranges=tuple(AddressRange(start=f"{start:x}", end=f"{end:x}") for start, end in ranges),
        match_window_bytes=window if match else None,
    )
    request = CaptureRequest(target=target, id=event_id, wants=Sampling.WHOLE if whole else Sampling.PARTS)
    _run(f"memory of process {pid}", request, socket_of(socket, config), preview=preview, as_json=as_json)


@capture.command()
@click.argument("path", metavar="DEVICE|IMAGE", type=click.Path())
@preview_option
@id_option
@socket_option
@config_option("agent")
@json_option
def boot(
    path: str, preview: bool, event_id: str | None, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Capture the boot records of DEVICE or of the disk image IMAGE.

    The MBR, both GPTs, the boot record of each partition and a few sectors
    behind them; nothing else of the disk is read. Devices are for root.
    """
    real = os.path.realpath(os.fsencode(path))
    try:
        target = BootTarget(path=real.decode("utf-8"))
    except UnicodeDecodeError:
        target = BootTarget(path_hex=real.hex())
    request = CaptureRequest(target=target, id=event_id, wants=Sampling.PARTS)
    _run(f"boot records of {path}", request, socket_of(socket, config), preview=preview, as_json=as_json)


@capture.command()
@click.argument("pid", type=_PID)
@preview_option
@id_option
@socket_option
@config_option("agent")
@json_option
def activity(
    pid: int, preview: bool, event_id: str | None, socket: Path | None, config: Path | None, as_json: bool
) -> None:
    """Capture a report on what process PID is and does.

    Its program, even if deleted, and arguments, the processes above and below
    it, open files, remote addresses, loaded modules and what starts it; each
    as the statement says. Never its environment.
    """
    request = CaptureRequest(target=ActivityTarget(pid=pid, started=_started(pid)), id=event_id)
    _run(f"activity of process {pid}", request, socket_of(socket, config), preview=preview, as_json=as_json)


def _started(pid: int) -> int | None:
    """When the process began that has the number now; the agent takes no other one."""
    try:
        seen = Sighting.of(pid)
    except PermissionError:
        return None
    if seen is None:
        raise RequestError(f"there is no process {pid}")
    return seen.started


def _run(what: str, request: CaptureRequest, socket: Path, *, preview: bool, as_json: bool) -> None:
    if preview:
        view = asyncio.run(_preview(socket, request))
        if as_json:
            print_ndjson([view])
        else:
            click.echo("\n".join(preview_lines(what, view, _SHOWN_BYTES)))
        sys.exit(ExitCode.OK if view.sends else ExitCode.REFUSED)
    taken = asyncio.run(_capture(socket, request, what))
    if as_json:
        print_ndjson([taken])
    else:
        click.echo(_line(taken))
    sys.exit(outcome(taken))


async def _capture(socket: Path, request: CaptureRequest, what: str) -> ObjectView:
    async with AgentClient(socket) as client:
        with progress() as bar:
            shown = bar.add_task(f"capturing {what}", total=1)
            view = await client.capture(request)
            bar.advance(shown)
            return view


async def _preview(socket: Path, request: CaptureRequest) -> PreviewView:
    async with AgentClient(socket) as client:
        return await client.preview_capture(request)


def _line(view: ObjectView) -> str:
    said = summary(view)
    if not view.contents:
        return f"{view.id} {view.state}: {said}"
    total = size_text(sum(content.size for content in view.contents))
    left_out = f", {len(view.omissions)} left out" if view.omissions else ""
    return f"{view.id} {view.state}: {what_is_sent(view)}, {total}{left_out}; {said}"
