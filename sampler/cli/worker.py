"""``sampler worker``: a program that analyzes what the queue holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import click

from sampler.cli.options import config_option
from sampler.cli.worker_analyzers import READY, Chosen, analyzer_of, owner_of, tell_of_limits
from sampler.errors import SamplerError
from sampler.limits import ANALYSIS_SECONDS, ANALYZER_MEMORY_MAX_BYTES, ANALYZER_PROCESSES_MAX_COUNT, MIB
from sampler.runtime import log
from sampler.worker import PeopleClient, ProcessLimits, Worker, load_client_settings

_MEMORY_MIB = ANALYZER_MEMORY_MAX_BYTES // MIB


@click.group()
def worker() -> None:
    """Lease tasks, analyze them, report verdicts."""


@worker.command()
@click.option("--exec", "command", metavar="CMD", help="Run CMD; {sample}, {samples}, {folder}, {task} are filled in.")
@click.option("--analyzer", type=click.Choice(list(READY)), help="A ready one.")
@click.option("--rules", type=click.Path(path_type=Path, exists=True), multiple=True, help="Of rules and capa.")
@click.option("--database", type=click.Path(path_type=Path, exists=True), help="Signatures of clamscan.")
@click.option("--kind", "kinds", multiple=True, help="Only stages of this kind; may be repeated.")
@click.option("--name", default=lambda: f"{socket.gethostname()}-{os.getpid()}", help="Shown beside the leases.")
@click.option("--jobs", type=click.IntRange(1, 32), default=1, show_default=True, help="Tasks at a time.")
@click.option("--lease-seconds", type=click.FloatRange(min=5), default=300.0, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), default=ANALYSIS_SECONDS, show_default=True, help="One run.")
@click.option(
    "--memory", type=click.IntRange(min=16), default=_MEMORY_MIB, show_default=True, help="MiB, each process."
)
@click.option("--processes", type=click.IntRange(min=1), default=ANALYZER_PROCESSES_MAX_COUNT, show_default=True)
@click.option("--network", is_flag=True, help="Let the program have the network.")
@click.option("--user", help="Run the program as this user; root's workers should.")
@click.option("--scratch", type=click.Path(path_type=Path, exists=True, file_okay=False), help="For tasks' folders.")
@click.option("--once", is_flag=True, help="End when nothing is waiting.")
@config_option("client")
def run(
    command: str | None,
    analyzer: str | None,
    rules: tuple[Path, ...],
    database: Path | None,
    kinds: tuple[str, ...],
    name: str,
    jobs: int,
    lease_seconds: float,
    seconds: float,
    memory: int,
    processes: int,
    network: bool,
    user: str | None,
    scratch: Path | None,
    once: bool,
    config: Path | None,
) -> None:
    """Work until SIGTERM or SIGINT.

    CMD prints one JSON object: {"conclusion": "malicious|suspicious|benign|
    unknown", "score": 0..100, "family": …, "note": …}. Ready analyzers:
    clamscan; rules is sampler scan with --rules; capa; demo concludes from the
    severity of the rules that matched on the host, and is what runs when
    nothing else is named.

    A program gets a private folder, no network, and what the options say; when
    it ends, nothing of it is left. When the queue takes a task back, its
    program is stopped at once.
    """
    settings = load_client_settings(config, os.environ)
    log.configure("info")
    limits = ProcessLimits(
        seconds=seconds,
        cpu_seconds=int(seconds) + 1,
        memory_max_bytes=memory * MIB,
        processes_max_count=processes,
        network=network,
        owner=None if user is None else owner_of(user),
    )
    chosen = analyzer_of(Chosen(analyzer, command, rules, database, limits))

    async def work() -> None:
        await tell_of_limits(chosen, limits)
        async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
            workers = [
                Worker(client, chosen, name=each, lease_seconds=lease_seconds, kinds=kinds, scratch=scratch)
                for each in _names(name, jobs)
            ]
            task = asyncio.create_task(run_all(workers, once=once))
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(work())


async def run_all(workers: Sequence[Worker], *, once: bool) -> None:
    """Run workers beside each other; what the queue refuses one of them ends all.

    Raises:
        SamplerError: as the first one of them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for each in workers:
                group.create_task(each.run(once=once))
    except* SamplerError as refused:
        first = refused.exceptions[0]
    else:
        return
    raise first


def _names(name: str, jobs: int) -> list[str]:
    return [name] if jobs == 1 else [f"{name}/{number}" for number in range(1, jobs + 1)]
