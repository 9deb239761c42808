"""``sampler queue``: the analysis queue's service and its administration."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from datetime import datetime
from pathlib import Path

import click
from msgspec import Struct

from sampler.cli.download import download
from sampler.cli.options import choice_of, config_option, settings_of
from sampler.cli.output import json_option, print_ndjson, time_text
from sampler.cli.queue_asks import ask, asks
from sampler.cli.queue_log import log as log_of_receipts
from sampler.cli.queue_search import search
from sampler.cli.queue_stats import stats
from sampler.cli.queue_tasks import tasks
from sampler.cli.terminal import print_table
from sampler.runtime import log, places
from sampler.runtime.clock import SystemClock
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.server import Listening, QueueSettings, create_token, initialize, list_tokens, revoke_token, serve
from sampler.wire.routes import Role


class TokenLine(Struct, frozen=True, kw_only=True):
    """One token on ``--json``."""

    name: str
    role: str
    expires: datetime
    good: bool


@click.group()
def queue() -> None:
    """The analysis queue: the service, its tokens and its tasks."""


queue.add_command(stats)
queue.add_command(search)
queue.add_command(tasks)
queue.add_command(download)
queue.add_command(ask)
queue.add_command(asks)
queue.add_command(log_of_receipts)


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
    settings = _settings(config)
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


@queue.group()
def tokens() -> None:
    """Bearer tokens for people, workers and enrolment."""


@tokens.command("create")
@click.option("--role", type=choice_of(Role), required=True)
@click.option("--name", required=True, help="Whose it is.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--profile", type=click.Path(path_type=Path), help="Also write a client.toml that uses it (0600).")
@click.option("--url", help="The people's address for --profile; default as the queue listens.")
@config_option("queue")
def create(role: str, name: str, days: int, profile: Path | None, url: str | None, config: Path | None) -> None:
    """Make a token. It is shown this once; the queue keeps only its digest."""
    settings = _settings(config)
    token = create_token(settings, Role(role), name=name, days=days, now=SystemClock().now())
    click.echo(token)
    if profile is not None:
        address = url or f"https://{settings.people_listen}"
        lines = f'url = "{address}"\nca = "{settings.authority_folder / "ca.pem"}"\ntoken = "{token}"\n'
        make_private_folder(profile.absolute().parent)
        write_durably(profile, lines.encode())
        click.echo(f"profile written to {profile}", err=True)


@tokens.command("list")
@config_option("queue")
@json_option
def list_all(config: Path | None, as_json: bool) -> None:
    """All tokens, without their text."""
    now = SystemClock().now()
    tokens = [
        TokenLine(name=token.name, role=token.role.value, expires=token.expires, good=token.is_good(now))
        for token in list_tokens(_settings(config))
    ]
    if as_json:
        print_ndjson(tokens)
        return
    rows = [(line.name, line.role, time_text(line.expires), "in force" if line.good else "ended") for line in tokens]
    print_table(("name", "role", "expires", "state"), rows, wrap=("name",))


@tokens.command("revoke")
@click.argument("name")
@config_option("queue")
def revoke(name: str, config: Path | None) -> None:
    """End the token of that name at once."""
    revoke_token(_settings(config), name, now=SystemClock().now())
    click.echo(f"{name} revoked")


def _settings(config: Path | None) -> QueueSettings:
    file = config
    if file is None and not (places.config_folder(os.environ) / "queue.toml").exists():
        file = places.state_folder(os.environ, "queue") / "queue.toml"
    return settings_of(QueueSettings, "queue", file)
