"""``sampler worker``: a program that analyzes what the queue holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path

import click

from sampler.cli.options import config_option
from sampler.runtime import log
from sampler.worker import Analyzer, DemoAnalyzer, ExecAnalyzer, PeopleClient, Worker, load_client_settings


@click.group()
def worker() -> None:
    """Lease tasks, analyze them, report verdicts."""


@worker.command()
@click.option("--exec", "command", metavar="CMD", help="Run CMD; {sample}, {folder} and {task} are filled in.")
@click.option("--name", default=lambda: f"{socket.gethostname()}-{os.getpid()}", help="Shown beside the leases.")
@click.option("--lease-seconds", type=click.FloatRange(min=5), default=300.0, show_default=True)
@click.option("--once", is_flag=True, help="End when nothing is waiting.")
@config_option("client")
def run(command: str | None, name: str, lease_seconds: float, once: bool, config: Path | None) -> None:
    """Work until SIGTERM or SIGINT.

    CMD prints one JSON object: {"conclusion": "malicious|suspicious|benign|
    unknown", "score": 0..100, "family": …, "note": …}. Without --exec, verdicts
    come from the severity of the rules that matched on the host.
    """
    settings = load_client_settings(config, os.environ)
    log.configure("info")
    analyzer: Analyzer = ExecAnalyzer(command) if command else DemoAnalyzer()

    async def work() -> None:
        async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
            task = asyncio.create_task(Worker(client, analyzer, name=name, lease_seconds=lease_seconds).run(once=once))
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(work())
