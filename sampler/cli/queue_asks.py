"""``sampler queue ask`` and ``asks``: asking a host for more of an object that it told of."""

from __future__ import annotations

from pathlib import Path

import click

from sampler.cli.options import config_option
from sampler.cli.output import json_option, print_ndjson, printable_text, short_time
from sampler.cli.queue_clients import with_client
from sampler.cli.terminal import print_table
from sampler.wire.ask_messages import AskRequest, AskView


@click.command()
@click.argument("submission", metavar="SUBMISSION")
@click.option("--part", "parts", multiple=True, metavar="SELECTOR", help="As in a rule: section:.text; repeatable.")
@click.option("--whole", is_flag=True, help="Ask for the whole object.")
@click.option("--context", type=click.IntRange(0), default=256, show_default=True, help="Bytes around matches.")
@click.option("--note", help="For the owner of the host, who can read it.")
@config_option("client")
@json_option
def ask(
    submission: str,
    parts: tuple[str, ...],
    whole: bool,
    context: int,
    note: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Ask SUBMISSION's host for more of the object.

    The host decides, by its owner's consent and its policy, and says what it
    refuses. What it sends comes as a submission of its own, provable against
    the same tree.
    """
    if whole == bool(parts):
        raise click.UsageError("say what you ask for: --part SELECTOR (repeatable), or --whole")
    request = AskRequest(wants="whole" if whole else "parts", parts=parts, context=context, note=note)
    view = with_client(config, lambda client: client.ask(submission, request))
    if as_json:
        print_ndjson([view])
    else:
        click.echo(f"{view.id} {view.state} until {view.expires:%Y-%m-%dT%H:%M:%SZ}; see: sampler queue asks")


@click.command()
@click.option("--submission", help="Only those about this one.")
@config_option("client")
@json_option
def asks(submission: str | None, config: Path | None, as_json: bool) -> None:
    """What hosts were asked for, and what they answered, newest first."""
    page = with_client(config, lambda client: client.asks(submission))
    if as_json:
        print_ndjson(page.asks)
        return
    columns = ("about\nanswer", "asked", "for", "state\nreason")
    print_table(columns, [_line(view) for view in page.asks], wrap=columns)


def _line(view: AskView) -> tuple[str, ...]:
    wanted = "whole" if view.wants == "whole" else ", ".join(view.parts) or "parts"
    state = f"{view.state}\n{printable_text(view.reason or '')}".rstrip()
    return f"{view.submission}\n{view.answer or ''}".rstrip(), short_time(view.created), printable_text(wanted), state
