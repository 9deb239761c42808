"""``sampler lookup``: what this host, or its queue, knows of files."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, printable_text, time_text, warn
from sampler.cli.terminal import print_table
from sampler.intake import AgentClient
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Conclusion
from sampler.wire.verdict_messages import LookUpView, LookUpWish

_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_FOUND: Final = frozenset({Conclusion.MALICIOUS, Conclusion.SUSPICIOUS})


class LookUpLine(Struct, frozen=True, kw_only=True):
    """One answer on ``--json``: what was named, and what is known of it."""

    name: str
    known: LookUpView


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE|SHA256...")
@click.option("--local", is_flag=True, help="Ask nobody but this machine.")
@socket_option
@config_option("agent")
@json_option
def lookup(names: tuple[str, ...], local: bool, socket: Path | None, config: Path | None, as_json: bool) -> None:
    """What is known of FILE, or of the file with this SHA-256.

    This machine's own memory is asked first. The queue is told the first bits
    of the hash and nothing else, and answers for all files that begin so; it
    needs a consent with the scope reputation. Nothing is flagged or sent.

    Exit codes: 1 something is malicious or suspicious, 3 the queue could not be
    asked about some, 0 otherwise.
    """
    hashes, unreadable = _hashes(names)
    lines = asyncio.run(_ask(hashes, socket_of(socket, config), local=local))
    if as_json:
        print_ndjson(lines)
    else:
        print_table(("file", "verdict", "known from\nuntil"), [_row(line) for line in lines], wrap=("file", "verdict"))
    for trouble in dict.fromkeys(line.known.trouble for line in lines if line.known.trouble):
        warn(f"the queue was not asked: {trouble}")
    sys.exit(_code(lines, unreadable=unreadable))


def _hashes(names: Sequence[str]) -> tuple[list[tuple[str, str]], bool]:
    """Names with their hashes, and whether some could not be read."""
    found: list[tuple[str, str]] = []
    for name in names:
        if _SHA256.fullmatch(name):
            found.append((name, name.lower()))
            continue
        try:
            found.append((name, _sha256_of(Path(name))))
        except OSError as error:
            warn(f"{printable_text(name)}: {error.strerror}")
    return found, len(found) < len(names)


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(COPY_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


async def _ask(hashes: Sequence[tuple[str, str]], socket: Path, *, local: bool) -> list[LookUpLine]:
    async with AgentClient(socket) as client:
        return [
            LookUpLine(name=name, known=await client.look_up(LookUpWish(sha256=sha256, local=local)))
            for name, sha256 in hashes
        ]


def _row(line: LookUpLine) -> tuple[str, str, str]:
    verdict, known = line.known.verdict, line.known
    if verdict is None or known.source is None:
        return printable_text(line.name), "not known", ""
    family = f" {printable_text(verdict.family)}" if verdict.family else ""
    said = f"{verdict.conclusion} ({verdict.score}){family}\nby {printable_text(verdict.analyzer)}"
    return printable_text(line.name), said, f"{known.source}\n{time_text(known.expires)}"


def _code(lines: Sequence[LookUpLine], *, unreadable: bool) -> ExitCode:
    if any(line.known.verdict is not None and line.known.verdict.conclusion in _FOUND for line in lines):
        return ExitCode.FOUND
    if unreadable and not lines:
        return ExitCode.ERROR
    return ExitCode.PARTIAL if unreadable or any(line.known.trouble for line in lines) else ExitCode.OK
