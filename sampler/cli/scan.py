"""``sampler scan``: the rules over files, nothing is sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from sampler.agent.places import rule_folders
from sampler.agent.settings import AgentSettings
from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import config_option, settings_of
from sampler.cli.scan_output import (
    LinePrinter,
    Named,
    NdjsonPrinter,
    Output,
    Printer,
    Tally,
    YaraPrinter,
    names_as_given,
)
from sampler.cli.scan_run import ScanOrder, ScanRun, ended_by_interrupt
from sampler.cli.values import EXTERNAL, SIZE, moment_ns, paths_of
from sampler.model import RuleMatch
from sampler.runtime import places
from sampler.scan import Collected, RuleSettings, RuleWriting, ScanLimits
from sampler.scan.engines import ENGINE_NAMES
from sampler.walk import Selection

_FORMATS: Final = ("lines", "ndjson", "yara")
_LIST_MAX_BYTES: Final = 256 * 1024 * 1024


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path())
@click.option(
    "--rules",
    "rule_places",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder, file or pack (zip) of rules; may be repeated.",
)
@click.option("--engine", type=click.Choice(ENGINE_NAMES), default=None, help="What runs the rules.")
@click.option(
    "-d",
    "--define",
    "externals",
    multiple=True,
    type=EXTERNAL,
    metavar="NAME=VALUE",
    help="An external variable that the rules use.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="Only files named so.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Neither files nor folders named so.")
@click.option("--min-size", type=SIZE, default=0, metavar="SIZE", help="Only files of at least so many bytes.")
@click.option("--max-size", type=SIZE, default=None, metavar="SIZE", help="Only files of at most so many (64M).")
@click.option("--newer", default=None, metavar="TIME|FILE", help="Only what changed after that.")
@click.option(
    "--files-from",
    type=click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False, readable=True),
    default=None,
    metavar="FILE",
    help="Paths, one a line, or each ended by NUL.",
)
@click.option(
    "--pid", "pids", multiple=True, type=click.IntRange(1), metavar="PID", help="Memory of a process, instead of files."
)
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Files scanned at a time.")
@click.option(
    "--timeout", type=click.IntRange(1, 86_400), default=None, metavar="SECONDS", help="For the rules on one file."
)
@click.option("--fast", is_flag=True, help="Do not look for more hits than a rule needs.")
@click.option("--no-cache", is_flag=True, help="Forget earlier results, and keep none.")
@click.option("-i", "--infected", is_flag=True, help="Print only files in which something was found.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="lines",
    help="Lines, NDJSON, or lines as yara prints them.",
)
@click.option("-s", "--print-strings", "strings", is_flag=True, help="With --format yara: what matched.")
@click.option("-m", "--print-meta", "meta", is_flag=True, help="With --format yara: metadata.")
@click.option("-g", "--print-tags", "tags", is_flag=True, help="With --format yara: tags.")
@config_option("agent")
@click.option("--json", "as_json", is_flag=True, help="As --format ndjson.")
def scan(**options: Any) -> None:
    """Scan files and folders; nothing is sent anywhere.

    Without --rules, with the rules that the agent would use. Exit codes as
    clamscan's: 0 nothing found, 1 found, 2 nothing found but an error.
    """
    as_json = options["as_json"] or options["form"] == "ndjson"
    pids = _pids(options)
    arguments = {} if pids else _arguments(options["paths"], options["files_from"])
    order = _order(options, arguments)
    collected = order.rules.collect()
    output = Output()
    printer = _printer(options, output, names_as_given(arguments), collected, as_json=as_json)
    with ended_by_interrupt():
        tally = _processes(order, pids, printer) if pids else ScanRun(order, collected, printer).run()
    output.flush()
    if not as_json and options["form"] == "lines":
        click.echo(str(tally), err=True)
    sys.exit(_exit_code(tally))


def _processes(order: ScanOrder, pids: Sequence[int], printer: Printer) -> Tally:
    from sampler.cli.scan_processes import scan_processes  # noqa: PLC0415  # all that runs rules takes long to import

    return scan_processes(order, pids, printer)


def _pids(options: dict[str, Any]) -> tuple[int, ...]:
    pids: tuple[int, ...] = options["pids"]
    if pids and (options["paths"] or options["files_from"]):
        raise click.UsageError("--pid scans processes instead of files; scan files in another run")
    if pids and options["strings"]:
        raise click.UsageError("--print-strings shows bytes of files; the memory of a process has changed by then")
    return pids


def _arguments(paths: Sequence[str], listed: Path | None) -> dict[bytes, bytes]:
    """What is to be scanned: as given, by absolute path."""
    given = [os.fsencode(path) for path in paths]
    if listed is not None:
        with click.open_file(os.fspath(listed), "rb") as file:
            data = file.read(_LIST_MAX_BYTES + 1)
        if len(data) > _LIST_MAX_BYTES:
            raise click.UsageError(f"--files-from: a list has at most {_LIST_MAX_BYTES} bytes; split it")
        given += paths_of(data)
    elif not given:
        raise click.UsageError("nothing to scan: name files or folders, or a list of them with --files-from")
    return {os.path.abspath(path): path for path in given}


def _order(options: dict[str, Any], arguments: dict[bytes, bytes]) -> ScanOrder:
    settings = settings_of(AgentSettings, "agent", options["config"])
    own = settings.examine
    cache = places.cache_folder(os.environ)
    return ScanOrder(
        paths=tuple(arguments),
        rules=RuleSettings(
            places=tuple(place.absolute() for place in options["rule_places"]) or rule_folders(settings),
            engine=options["engine"] or own.engine,
            externals={**own.externals, **dict(options["externals"])},
            cache=cache / "rules",
        ),
        limits=ScanLimits(timeout_seconds=options["timeout"] or own.timeout_seconds, fast=options["fast"]),
        agents=own,
        children=options["workers"] or own.children,
        selection=_selection(options),
        max_bytes=own.object_max_bytes,
        memory=None if options["no_cache"] else cache,
        hit_bytes=options["strings"] and options["form"] == "yara",
    )


def _selection(options: dict[str, Any]) -> Selection:
    try:
        return Selection(
            include=options["include"],
            exclude=options["exclude"],
            min_bytes=options["min_size"],
            max_bytes=options["max_size"],
            newer_than_ns=moment_ns(options["newer"]),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _printer(options: dict[str, Any], output: Output, named: Named, collected: Collected, *, as_json: bool) -> Printer:
    if as_json:
        return NdjsonPrinter(output, named, found_only=options["infected"])
    if options["form"] == "yara":

        def written(match: RuleMatch) -> RuleWriting:
            return collected.writing(match.namespace, match.rule)

        return YaraPrinter(output, named, options["tags"], options["meta"], options["strings"], written)
    return LinePrinter(output, named, found_only=options["infected"])


def _exit_code(tally: Tally) -> ExitCode:
    """As clamscan's: a find outweighs an error, so that files nobody may read hide none."""
    if tally.found:
        return ExitCode.FOUND
    return ExitCode.ERROR if tally.errors else ExitCode.OK
