"""``sampler explain``: what was sent of one object, field by field, and why; read from the journal itself."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from sampler.agent.consents import ConsentStore
from sampler.agent.places import AgentPlaces
from sampler.cli.exit_codes import ExitCode
from sampler.cli.explain_bytes import KeptBytes
from sampler.cli.explain_messages import Explained, ExplainedContent, ExplainedField
from sampler.cli.explain_story import Story
from sampler.cli.options import agent_settings, config_option, from_option, reader_of
from sampler.cli.output import counted, json_option, print_ndjson, printable_text, size_text, time_text, warn
from sampler.cli.sections import bullet, dump, named_lines, section, value_text, wrapped
from sampler.errors import ConsentError
from sampler.permit import Rule, Statement


@click.command()
@click.argument("event_id", metavar="ID")
@click.option(
    "--bytes", "shown_bytes", type=click.IntRange(0, 256), default=48, show_default=True, help="Shown of each part."
)
@click.option("--text", is_flag=True, help="Print the whole statement that it left under.")
@from_option
@config_option("agent")
@json_option
def explain(
    event_id: str, shown_bytes: int, text: bool, folder: Path | None, config: Path | None, as_json: bool
) -> None:
    """What was sent of the object ID, exactly, and why.

    Each field as it left with its treatment and the rule that let it through,
    each part, what stayed here, under whose consent, what became of it, and
    how to stop it. Every user may ask; no agent is needed.
    """
    places = agent_settings(config)[1]
    story = Story.read(event_id, reader_of(folder, config))
    if not story.later:
        warn(f"{event_id}: the journal has nothing about it; see sampler history, or sampler list for what is waiting")
        sys.exit(ExitCode.ERROR)
    explained = KeptBytes(places).shown_in(story.explained())
    if as_json:
        print_ndjson([explained])
    elif text:
        click.echo(ConsentStore(places.consent).statement_of(explained.statement_digest).text)
    else:
        click.echo("\n".join(explain_lines(explained, _statement(places, explained), shown_bytes)))


def _statement(places: AgentPlaces, explained: Explained) -> Statement | str:
    """The statement that it left under, or why it cannot be shown."""
    try:
        return ConsentStore(places.consent).statement_of(explained.statement_digest)
    except ConsentError as error:
        return str(error)


def explain_lines(explained: Explained, statement: Statement | str, shown_bytes: int) -> Iterator[str]:
    """What people read of it."""
    yield from _head(explained, statement)
    for scope in sorted({field.scope for field in explained.fields}):
        yield from section(_title(scope, statement), _field_lines(explained.fields, scope))
    for match in explained.matches:
        yield from section("RULE MATCH", _field_lines(match))
    yield from section("BYTES", (line for each in explained.contents for line in _content_lines(each, shown_bytes)))
    yield from section("STAYED HERE", _withheld(explained))
    yield from section("LEFT OUT", (line for each in explained.omissions for line in bullet(each.what, each.reason)))
    yield from section("AGREED TO", _consent_lines(explained, statement))
    yield from section("WHAT BECAME OF IT", _became(explained))
    yield from section("FOLLOWED BY", _follower_lines(explained))
    yield from section("TO STOP IT", _stop_lines(explained))


def _head(explained: Explained, statement: Statement | str) -> Iterator[str]:
    yield f"{explained.id}, flagged for {explained.reason or 'a reason that was not noted'}"
    if explained.follows:
        yield f"a later event of the object {explained.follows}"
    if explained.left is None:
        yield "Nothing of it has left this machine."
        return
    yield f"sha256 {explained.sha256}, {size_text(explained.size)}"
    fields = counted(len(explained.fields), "field")
    matches = counted(len(explained.matches), "rule match", "rule matches")
    contents = f"{counted(len(explained.contents), 'content')}, {size_text(explained.sent_bytes)} of which travelled"
    sent = f"Sent from {time_text(explained.left)} on under {explained.statement}"
    yield from wrapped(f"{sent}: {fields}, {matches}; {contents}.", indent=0)


def _title(scope: str, statement: Statement | str) -> str:
    if not scope:
        return "FIELDS, the rule was not noted"
    purposes = {} if isinstance(statement, str) else {str(key): text for key, text in statement.purposes.items()}
    return "\n".join((f"FIELDS, scope {scope}, let through by {Rule.FIELDS}", *wrapped(purposes.get(scope, ""))))


def _field_lines(fields: Iterable[ExplainedField], scope: str | None = None) -> Iterator[str]:
    for field in fields:
        if scope in (None, field.scope):
            yield from named_lines(field.name, f"{value_text(field.value)}{_how(field)}")


def _how(field: ExplainedField) -> str:
    """The statement's line, as far as it is not plain that the field is listed and kept."""
    line = "" if field.line in ("", field.name) else f"{field.line} = "
    plain = not line and field.treatment in ("", "keep")
    return "" if plain else f"  ({line}{field.treatment})"


def _content_lines(content: ExplainedContent, shown_bytes: int) -> Iterator[str]:
    yield f"  {'whole object' if content.label == 'whole' else printable_text(content.label)}, {content.size} bytes"
    yield f"      sha256 {content.sha256}"
    if content.why:
        yield f"      {printable_text(content.why)}"
    if content.head is not None:
        yield from dump(bytes.fromhex(content.head)[:shown_bytes], content.offset)


def _withheld(explained: Explained) -> Iterator[str]:
    for why, names in explained.withheld.items():
        yield f"  {printable_text(why)}:"
        yield from wrapped(", ".join(names), indent=6)


def _consent_lines(explained: Explained, statement: Statement | str) -> Iterator[str]:
    if (given := explained.consent) is not None:
        scopes = ", ".join(given.scopes) or "nothing"
        yield from wrapped(f"{given.by}, at {time_text(given.at)}: {scopes}")
    elif explained.statement:
        yield "  the journal has no entry about the consent that it left under"
    if not explained.statement_digest:
        return  # nothing was decided under one
    if isinstance(statement, str):
        yield from wrapped(f"the statement cannot be read: {statement}")
        return
    yield from wrapped(f"{statement}: {statement.title}")
    yield f"  its text: sampler explain {explained.id} --text"


def _became(explained: Explained) -> Iterator[str]:
    for end in explained.became:
        yield f"  {time_text(end.at)} {end.kind}"
        check = "; to check it: sampler receipts verify" if end.kind == "receipt" else ""
        yield from wrapped(f"{end.detail}{check}", indent=6)


def _follower_lines(explained: Explained) -> Iterator[str]:
    for later in explained.followers:
        yield f"  sampler explain {later.id}"
        yield from wrapped(f"{time_text(later.at)} {later.kind}; {later.detail}", indent=6)


def _stop_lines(explained: Explained) -> Iterator[str]:
    for step in explained.stop:
        yield f"  {step.command}"
        yield from wrapped(step.effect, indent=6)
