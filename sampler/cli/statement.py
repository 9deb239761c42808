"""``sampler statement``: for those who write statements, and those who read what one asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from sampler.agent.signed_statements import read_signed, read_unsigned, sign_statement
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import agent_settings, choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, printable_text
from sampler.cli.sections import section, wrapped
from sampler.cli.terminal import print_table
from sampler.identity import PublicKey, SigningKey
from sampler.permit import Region, Statement, shipped_names, shipped_statement, widenings
from sampler.wire.statement_messages import StatementChange, StatementField

_region = click.option("--region", type=choice_of(Region), default=Region.WORLD.value, show_default=True)
_named = click.argument("statement")


@click.group()
def statement() -> None:
    """Read, check, sign and compare statements.

    STATEMENT is basic or extended, or the path of a TOML file with its text
    (NAME.md) beside it.
    """


@statement.command()
@_named
@_region
@click.option("--fields", is_flag=True, help="Each field and what becomes of it, instead of the text.")
@json_option
def show(statement: str, region: str, fields: bool, as_json: bool) -> None:
    """The text that people agree to, or the list that is enforced."""
    chosen = _statement(statement, region)
    rows = [
        StatementField(scope=rule.scope.value, field=rule.pattern, treatment=rule.treatment.value)
        for rule in chosen.rules.values()
    ]
    if as_json:
        print_ndjson(rows)
    elif fields:
        print_table(("scope", "field", "treatment"), [(row.scope, row.field, row.treatment) for row in rows])
    else:
        click.echo(_printable_lines(chosen.text))


@statement.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", "keys", multiple=True, help="A public key to trust; default as the settings say.")
@config_option("agent")
@click.pass_context
def check(context: click.Context, file: Path, keys: tuple[str, ...], config: Path | None) -> None:
    """Whether FILE.toml is sound, and signed by a trusted key. Exits 1 when unsigned."""
    chosen = read_unsigned(file)
    click.echo(f"{chosen}, {chosen.region}: {len(chosen.scopes)} scopes, {len(chosen.rules)} fields")
    click.echo(f"digest {chosen.digest}")
    if not file.with_suffix(".sig").exists():
        click.echo("unsigned")
        context.exit(ExitCode.FOUND)
    trusted = keys or agent_settings(config)[0].consent.statement_keys
    signed = read_signed(file, [PublicKey.parse(key) for key in trusted])
    click.echo(f"signed by key {signed.key_id}")


@statement.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key", required=True, type=click.Path(path_type=Path), help="The private key of sampler statement keygen."
)
def sign(file: Path, key: Path) -> None:
    """Sign FILE.toml and its text: writes FILE.sig beside them."""
    signing = SigningKey.load(key)
    click.echo(f"{sign_statement(file, signing)}: signed by key {signing.public.id}")


@statement.command()
@click.argument("file", type=click.Path(path_type=Path))
def keygen(file: Path) -> None:
    """Make a key that signs statements; prints its public half for the settings."""
    key = SigningKey.create(file)
    click.echo(f'key {key.public.id} is in {file}; hosts trust it with\n[consent]\nstatement_keys = ["{key.public}"]')


@statement.command()
@click.argument("old")
@click.argument("new")
@_region
@json_option
@click.pass_context
def diff(context: click.Context, old: str, new: str, region: str, as_json: bool) -> None:
    """What NEW widens and narrows against OLD. Exits 1 when it widens."""
    before, after = _statement(old, region), _statement(new, region)
    scopes = before.scopes | after.scopes
    wider, narrower = widenings(before, after, scopes), widenings(after, before, scopes)
    if as_json:
        print_ndjson(StatementChange(kind="widens", what=line) for line in wider)
        print_ndjson(StatementChange(kind="narrows", what=line) for line in narrower)
    else:
        click.echo(f"{after}, {after.region}, against {before}, {before.region}")
        for title, lines in (("WIDENS", wider), (f"NARROWS: only under {before}", narrower)):
            click.echo("\n".join(section(title, _bullets(lines) or ["  nothing"])))
    context.exit(ExitCode.FOUND if wider else ExitCode.OK)


def _bullets(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in wrapped(text, hanging=4)]


def _printable_lines(text: str) -> str:
    """A text of several lines for a terminal, which none of it may steer."""
    return "\n".join(printable_text(line) for line in text.splitlines())


def _statement(named: str, region: str) -> Statement:
    if named in shipped_names():
        return shipped_statement(named, Region(region))
    return read_unsigned(Path(named))
