"""``sampler capture trusted``: files that are known to be good, so that they are not mistaken for malicious ones."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from sampler.cli.options import choice_of, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson
from sampler.cli.submit import Feed, exit_code, print_views
from sampler.model import Reason, Sampling
from sampler.walk import NotWalked, Walked, walk
from sampler.wire.agent_messages import FlagRequest

_PROGRAMS: Final = (b"\x7fELF", b"MZ", b"#!", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
                    b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # fmt: skip
"""How programs, libraries and scripts begin: ELF, PE, ``#!``, Mach-O in four spellings, fat Mach-O."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("--all-files", is_flag=True, help="Not only programs, libraries and scripts.")
@click.option("--wants", type=choice_of(Sampling), default=Sampling.WHOLE.value, show_default=True)
@click.option("--wait", is_flag=True, help="Wait for the verdicts.")
@click.option("--timeout", type=click.FloatRange(min=0), default=600.0, show_default=True, help="Of --wait, seconds.")
@socket_option
@config_option("agent")
@json_option
def trusted(
    paths: tuple[str, ...],
    all_files: bool,
    wants: Sampling,
    wait: bool,
    timeout: float,
    socket: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Submit trusted files and folders, so that rules spare them.

    Programs, libraries and scripts, by their first bytes, unless --all-files.
    Without the scope trusted nothing of them leaves; a whole file also needs
    the scope whole.
    """
    request = FlagRequest(reason=Reason.TRUSTED.value, wants=Sampling(wants))
    feed = Feed(socket_of(socket, config), request)
    found = walk([os.fsencode(path) for path in paths])
    chosen = found if all_files else _programs(found)
    views, late = asyncio.run(feed.run(chosen, timeout if wait else None))
    if as_json:
        print_ndjson(views)
    else:
        print_views(views)
    sys.exit(exit_code(views, feed.problems, late=late))


def _programs(found: Iterable[Walked]) -> Iterator[Walked]:
    return (step for step in found if isinstance(step, NotWalked) or is_program(step.path))


def is_program(path: bytes) -> bool:
    """Whether a regular file begins as programs do; one that cannot be read is for the agent to say so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return True
        return os.read(descriptor, 4).startswith(_PROGRAMS)
    except OSError:
        return True
    finally:
        os.close(descriptor)
