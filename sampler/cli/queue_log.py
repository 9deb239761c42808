"""``sampler queue log``: an auditor's look at the log of receipts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from sampler.agent.receipt_verifying import check_history, ordered
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option
from sampler.cli.output import printable_text, warn
from sampler.cli.queue_clients import with_client
from sampler.cli.receipt_heads import kept_head
from sampler.errors import QueueRefused, ReceiptError
from sampler.identity import PublicKey
from sampler.wire.codec import encode
from sampler.wire.receipt_messages import KeptHead, LogProof, TreeHead
from sampler.worker import PeopleClient


@click.group("log")
def log() -> None:
    """The log of all receipts: its head, and that it only ever grew."""


@log.command()
@config_option("client")
def head(config: Path | None) -> None:
    """The log as it is now, signed. Keep it: sampler queue log check FILE tells later whether it still holds."""
    click.echo(encode(with_client(config, _head)).decode())


@log.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option("client")
def check(file: Path, config: Path | None) -> None:
    """Whether the log of today begins with the one of a head that was kept (FILE), or got from a host."""
    kept = kept_head(file)
    try:
        first, second = with_client(config, lambda client: _checked(client, kept))
    except (ReceiptError, QueueRefused) as error:
        warn(printable_text(f"not one history: {error}"))
        sys.exit(ExitCode.FOUND)
    click.echo(f"one history: {first.size} and {second.size} receipts")


async def _head(client: PeopleClient) -> KeptHead:
    key, signed = await asyncio.gather(client.log_key(), client.log_head())
    ordered(PublicKey.parse(key), signed, signed)
    return KeptHead(key=key, head=signed)


async def _checked(client: PeopleClient, kept: KeptHead) -> tuple[TreeHead, TreeHead]:
    now = await _head(client)
    if now.key != kept.key:
        raise ReceiptError(f"the log is signed by key {now.key}; the kept head by {kept.key}", "key")
    first, second = ordered(PublicKey.parse(kept.key), kept.head, now.head)
    needed = 0 < first.size < second.size
    proof = await client.log_consistency(first.size, second.size) if needed else LogProof()
    check_history(first, second, proof)
    return first, second
