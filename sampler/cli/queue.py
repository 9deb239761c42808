"""``sampler queue``: the analysis queue's service and its administration."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import click

from sampler.cli.download import download
from sampler.cli.options import config_option
from sampler.cli.queue_asks import ask, asks
from sampler.cli.queue_audit import audit
from sampler.cli.queue_devices import devices
from sampler.cli.queue_known_good import known_good
from sampler.cli.queue_log import log as log_of_receipts
from sampler.cli.queue_report import report
from sampler.cli.queue_retention import retention
from sampler.cli.queue_search import search
from sampler.cli.queue_settings import queue_settings
from sampler.cli.queue_stats import stats
from sampler.cli.queue_tasks import tasks
from sampler.cli.queue_tokens import tokens
from sampler.cli.tenants import tenants
from sampler.runtime import log, places
from sampler.runtime.clock import SystemClock
from sampler.server import Listening, initialize, serve


@click.group()
def queue() -> None:
    """The analysis queue: the service, its tokens and its tasks."""


queue.add_command(stats)
queue.add_command(search)
queue.add_command(retention)
queue.add_command(report)
queue.add_command(tasks)
queue.add_command(download)
queue.add_command(tokens)
queue.add_command(tenants)
queue.add_command(devices)
queue.add_command(audit)
queue.add_command(ask)
queue.add_command(asks)
queue.add_command(log_of_receipts)
queue.add_command(known_good)


@queue.command()
@click.option("--state", type=click.Path(path_type=Path), help="Folder for CA, ledger and contents.")
@click.option(
    "--name", "names", multiple=True, metavar="HOST", help="DNS name or address that hosts will use; repeatable."
)
@click.option("--hosts-listen", default="127.0.0.1:8443", show_default=True, help="Where hosts deliver (mutual TLS).")
@click.option("--people-listen", default="127.0.0.1:8444", show_default=True, help="Where people and workers ask.")
@click.option("--ledger", default="", metavar="URL", help="postgresql://HOST/DATABASE; default SQLite in the folder.")
@click.option("--blobs", default="", metavar="URL", help="s3://BUCKET/PREFIX; default a folder in the folder.")
def init(
    state: Path | None, names: tuple[str, ...], hosts_listen: str, people_listen: str, ledger: str, blobs: str
) -> None:
    """Create a queue: its CA, its certificate, its ledger, its settings."""
    folder = (state or places.state_folder(os.environ, "queue")).absolute()
    made = initialize(
        folder,
        list(names) or ["localhost", "127.0.0.1", "::1"],
        hosts_listen=hosts_listen,
        people_listen=people_listen,
        now=SystemClock().now(),
        ledger=ledger,
        blobs=blobs,
    )
    click.echo(f"settings        {made.config}")
    click.echo(f"CA fingerprint  {made.fingerprint}")
    click.echo(f"\nNext: sampler queue serve --config {made.config}")


@queue.command("serve")
@config_option("queue")
def serve_queue(config: Path | None) -> None:
    """Run the queue in the foreground until SIGTERM or SIGINT."""
    settings = queue_settings(config)
    log.configure(settings.log_level)

    async def run() -> None:
        task = asyncio.create_task(serve(settings, started=_say), name="queue")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def _say(listening: Listening) -> None:
    hosts, people = (f"https://{host}:{port}" for host, port in (listening.hosts, listening.people))
    click.echo(f"queue listens: hosts {hosts}, people {people}")
