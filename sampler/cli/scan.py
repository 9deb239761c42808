"""``sampler scan``: the rules over files, nothing is sent."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import click
from msgspec import Struct

from sampler.agent.places import rule_folders
from sampler.agent.settings import AgentSettings
from sampler.agent.views import printable
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, settings_of
from sampler.cli.output import json_option, print_ndjson, progress, warn
from sampler.describe import owner_of
from sampler.errors import ChildDied, ChildTimedOut
from sampler.examine import Examiner, ExamineSettings
from sampler.intake.walking import NotWalked, walk
from sampler.model import Candidate, Examination, Failure, PathSource, Peer, Reason
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import SystemClock
from sampler.snapshot import SnapshotTaker, release


class ScanLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file on ``--json``; ECS names where it has them."""

    path: str
    sha256: str = ""
    size: int = 0
    mime_type: str = ""
    rules: list[str] = []
    error: str = ""


@dataclass(slots=True)
class Tally:
    """What a scan came to."""

    files: int = 0
    found: int = 0
    errors: int = 0

    def add(self, line: ScanLine) -> None:
        """Count one file."""
        self.files += 1
        self.found += bool(line.rules)
        self.errors += bool(line.error)

    @property
    def exit_code(self) -> ExitCode:
        """As clamscan's: an error outweighs a find."""
        if self.errors:
            return ExitCode.ERROR
        return ExitCode.FOUND if self.found else ExitCode.OK


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("--rules", "folders", multiple=True, type=click.Path(path_type=Path), help="A folder of YARA rules.")
@click.option("--infected", "-i", is_flag=True, help="Print only files in which something was found.")
@config_option("agent")
@json_option
def scan(paths: tuple[str, ...], folders: tuple[Path, ...], infected: bool, config: Path | None, as_json: bool) -> None:
    """Scan files and folders; nothing is sent anywhere.

    Without --rules, with the rules that the agent would use.
    """
    settings = settings_of(AgentSettings, "agent", config)
    in_force = tuple(folder.absolute() for folder in folders) or rule_folders(settings)
    tally = asyncio.run(_scan([os.fsencode(path) for path in paths], in_force, settings, infected, as_json))
    if not as_json:
        click.echo(f"{tally.files} files, {tally.found} found, {tally.errors} errors", err=True)
    sys.exit(tally.exit_code)


async def _scan(
    paths: Sequence[bytes], folders: tuple[Path, ...], settings: AgentSettings, infected: bool, as_json: bool
) -> Tally:
    examiner = Examiner(
        ExamineSettings(
            rule_folders=folders,
            children=settings.examine.children,
            deadline_seconds=settings.examine.deadline_seconds,
            memory_max_bytes=settings.examine.memory_max_bytes,
            require_sandbox=settings.examine.require_sandbox,
        )
    )
    tally = Tally()
    with TemporaryDirectory(prefix="sampler-scan-") as spool, progress() as bar:
        taker = SnapshotTaker(Path(spool), max_bytes=settings.examine.object_max_bytes)
        async with examiner:
            for missing in examiner.confinement.missing:
                warn(f"the sandbox lacks: {missing}")
            for problem in examiner.report.problems:
                warn(f"rule left out: {problem}")
            shown = bar.add_task("scanning", total=None)
            async with aclosing(_lines(paths, taker, examiner, settings.examine.children)) as lines:
                async for line in lines:
                    tally.add(line)
                    bar.advance(shown)
                    _print(line, infected=infected, as_json=as_json)
    return tally


async def _lines(
    paths: Sequence[bytes], taker: SnapshotTaker, examiner: Examiner, at_once: int
) -> AsyncGenerator[ScanLine, None]:
    """Results in the order of the walk, with ``at_once`` files under way."""
    under_way: list[asyncio.Task[ScanLine]] = []
    try:
        for found in walk(paths):
            if isinstance(found, NotWalked):
                yield ScanLine(path=printable(found.path), error=found.detail)
                continue
            under_way.append(asyncio.create_task(_one(found.path, taker, examiner)))
            if len(under_way) > at_once:
                yield await under_way.pop(0)
        while under_way:
            yield await under_way.pop(0)
    finally:
        for task in under_way:
            task.cancel()


async def _one(path: bytes, taker: SnapshotTaker, examiner: Examiner) -> ScanLine:
    peer = Peer(os.geteuid(), os.getegid(), os.getpid(), tuple(os.getgroups()))
    source = PathSource(path)
    candidate = Candidate(str(uuid4()), SystemClock().now(), Reason.POLICY, peer, source)
    taken = await off_loop(taker.take, candidate)
    if isinstance(taken, Failure):
        return ScanLine(path=printable(path), error=f"{taken.code}: {taken.detail}")
    try:
        examination = await examiner.examine(taken, owner=owner_of(taken))
    except (ChildDied, ChildTimedOut) as error:
        return ScanLine(path=printable(path), sha256=taken.sha256, size=taken.size, error=str(error))
    finally:
        release(taken)
    return _line(path, taken.size, examination)


def _line(path: bytes, size: int, examination: Examination) -> ScanLine:
    scan_problems = [problem for problem in examination.problems if problem.stage == "scan"]
    return ScanLine(
        path=printable(path),
        sha256=examination.sha256,
        size=size,
        mime_type=examination.mime_type,
        rules=[match.rule for match in examination.matches],
        error="; ".join(f"{problem.code}: {problem.detail}" for problem in scan_problems),
    )


def _print(line: ScanLine, *, infected: bool, as_json: bool) -> None:
    if infected and not line.rules and not line.error:
        return
    if as_json:
        print_ndjson([line])
        return
    if line.error:
        warn(f"{line.path}: {line.error}")
    if line.rules or not line.error:
        click.echo(f"{line.path}: {' '.join(line.rules) + ' FOUND' if line.rules else 'OK'}")
