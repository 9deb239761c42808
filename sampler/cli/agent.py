"""``sampler agent``: the on-host service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import click

from sampler import identity
from sampler.agent.places import AgentPlaces
from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.service import run as run_agent
from sampler.cli.agent_calls import calls
from sampler.cli.options import agent_settings, config_option, socket_of, socket_option
from sampler.cli.output import json_option, print_ndjson, size_text
from sampler.cli.terminal import print_table
from sampler.errors import SettingsError
from sampler.intake import AgentClient
from sampler.runtime import log, places
from sampler.runtime.clock import SystemClock
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.upload import enroll as enroll_with
from sampler.upload import fetch_ca
from sampler.wire.agent_messages import AgentStatus


@click.group()
def agent() -> None:
    """The on-host service: takes, examines, permits, delivers."""


agent.add_command(calls)


@agent.command()
@config_option("agent")
def run(config: Path | None) -> None:
    """Run the service in the foreground until SIGTERM or SIGINT."""
    settings, where = agent_settings(config)
    log.configure(settings.log_level)

    async def serve() -> None:
        task = asyncio.create_task(run_agent(settings, where, SystemClock()), name="agent")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(serve())


@agent.command()
@click.option("--url", required=True, help="The queue's address for people, https://host:port.")
@click.option("--token", required=True, envvar="SAMPLER_ENROLL_TOKEN", help="From sampler queue tokens create.")
@click.option("--ca-fingerprint", required=True, help="sha256:… of the queue's CA, as queue init printed it.")
@config_option("agent")
def enroll(url: str, token: str, ca_fingerprint: str, config: Path | None) -> None:
    """Get this host its certificate from a queue.

    The private key is made here and never leaves the machine. TOKEN works once.
    """
    _, where = agent_settings(config)
    answer_url, agent_id = asyncio.run(_enroll(where, url, token, ca_fingerprint))
    file = config or places.config_folder(os.environ) / "agent.toml"
    _set_queue_url(file, answer_url)
    click.echo(f"enrolled as {agent_id}; delivers to {answer_url}; settings in {file}")


async def _enroll(where: AgentPlaces, url: str, token: str, fingerprint: str) -> tuple[str, str]:
    ca_pem = await fetch_ca(url, fingerprint)
    made = identity.make_host_key()
    answer = await enroll_with(url, ca_pem, token, made.csr_pem)
    make_private_folder(where.state, mode=0o755)
    make_private_folder(where.key.parent)
    for file, text in ((where.key, made.key_pem), (where.ca, answer.ca), (where.certificate, answer.certificate)):
        write_durably(file, text.encode())
    if answer.receipt_key is not None:
        PinnedKey(where.receipt_key).pin(identity.PublicKey.parse(answer.receipt_key))
    return answer.url, answer.agent_id


def _set_queue_url(file: Path, url: str) -> None:
    """Put ``queue.url`` into the settings; a file that sets another one is left to its owner."""
    text = file.read_text("utf-8") if file.exists() else ""
    line = f'url = "{url}"'
    if line in text:
        return
    if "[queue]" in text:
        raise SettingsError(f"{file}: has a [queue] section already; set {line} in it")
    make_private_folder(file.parent, mode=0o755)
    separator = "\n" if text else ""
    write_durably(file, f"{text}{separator}[queue]\n{line}\n".encode(), mode=0o644)


@agent.command()
@socket_option
@config_option("agent")
@json_option
def status(socket: Path | None, config: Path | None, as_json: bool) -> None:
    """How the service is: rules, consent, queue, objects by state."""

    async def ask() -> AgentStatus:
        async with AgentClient(socket_of(socket, config)) as client:
            return await client.status()

    answer = asyncio.run(ask())
    if as_json:
        print_ndjson([answer])
        return
    reachable = {True: "reachable", False: "not reachable", None: "not asked yet"}[answer.queue_reachable]
    rows = [
        ("agent", f"{answer.agent_id}, version {answer.version}"),
        ("queue", f"{answer.queue or 'none'}: {reachable}"),
        ("rules", f"{answer.rules} in {answer.ruleset_version}"),
        *(("rule left out", problem) for problem in answer.rule_problems),
        ("consent", answer.consent),
        ("spool", size_text(answer.spool_bytes)),
        ("children", str(answer.children)),
        ("sandbox", answer.sandbox),
        *((("receipts", answer.receipts),) if answer.receipts else ()),
        *((("accounts", answer.reconciled),) if answer.reconciled else ()),
        *((("known good", answer.known_good),) if answer.known_good else ()),
        *((("on_verdict", answer.on_verdict),) if answer.on_verdict else ()),
        *((f"objects {state}", str(count)) for state, count in sorted(answer.counts.items())),
    ]
    if answer.queue_detail:
        rows.insert(2, ("queue says", answer.queue_detail))
    print_table(("what", "how"), rows, wrap=("how",))
