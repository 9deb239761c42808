"""``sampler queue known-good``: the list of files that hosts need not send."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from sampler.cli.options import config_option
from sampler.cli.output import counted, json_option, print_ndjson, printable_text, size_text, time_text, warn
from sampler.cli.queue_settings import queue_settings
from sampler.cli.terminal import print_table
from sampler.errors import SettingsError
from sampler.limits import COPY_CHUNK_BYTES, KNOWN_GOOD_LINE_MAX_CHARACTERS
from sampler.runtime.clock import SystemClock
from sampler.runtime.hash_list import read_hashes
from sampler.server.known_good import make_list, publish_list, published_list


@click.group("known-good")
def known_good() -> None:
    """Files that hosts need not send, since they are known to be good."""


@known_good.command("build")
@click.argument("sources", nargs=-1, required=True, metavar="FOLDER|LIST...", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the list goes.")
@json_option
def build_list(sources: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Make a list of the files in each FOLDER, and of each LIST of hashes.

    A LIST has one SHA-256 a line, as sha256sum prints them. Links are not
    followed; what cannot be read is named and left out.
    """
    draft = make_list((digest for source in sources for digest in _hashes(source)), output)
    if as_json:
        print_ndjson([draft])
        return
    click.echo(f"{counted(draft.entries, 'file')} in {output} ({size_text(output.stat().st_size)})")
    click.echo("Next: sampler queue known-good publish")


@known_good.command("publish")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What it is, for the owners of hosts.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it is believed.")
@config_option("queue")
@json_option
def publish(file: Path, name: str, days: int, config: Path | None, as_json: bool) -> None:
    """Sign a list of ``build`` and let hosts have it in place of the one before."""
    header = publish_list(queue_settings(config), file, name=name, days=days, now=SystemClock().now())
    if as_json:
        print_ndjson([header])
    else:
        click.echo(f"list {header.number}: {counted(header.entries, 'file')} until {time_text(header.expires)}")


@known_good.command("show")
@config_option("queue")
@json_option
def show(config: Path | None, as_json: bool) -> None:
    """The list that hosts fetch now."""
    header = published_list(queue_settings(config))
    if as_json:
        print_ndjson([header] if header else [])
        return
    if header is None:
        click.echo("no list was published; make one with: sampler queue known-good build")
        return
    rows = [
        ("number", str(header.number)),
        ("name", printable_text(header.name)),
        ("files", str(header.entries)),
        ("size", size_text(header.size)),
        ("published", time_text(header.created)),
        ("expires", time_text(header.expires)),
        ("sha256", header.sha256),
    ]
    print_table(("what", "how"), rows, wrap=("how",))


def _hashes(source: Path) -> Iterator[bytes]:
    if source.is_dir():
        yield from _hashes_of_folder(source)
        return
    try:
        with source.open(encoding="utf-8", errors="replace") as lines:
            yield from read_hashes(iter(lambda: lines.readline(KNOWN_GOOD_LINE_MAX_CHARACTERS), ""))
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from error
    except OSError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from error


def _hashes_of_folder(folder: Path) -> Iterator[bytes]:
    for place, _, names in os.walk(folder):
        yield from filter(None, map(_hash_of, _regular(place, names)))


def _regular(place: str, names: Sequence[str]) -> Iterator[str]:
    paths = (os.path.join(place, name) for name in names)  # names of files are bytes
    return (path for path in paths if os.path.isfile(path) and not os.path.islink(path))  # noqa: PTH113, PTH114


def _hash_of(path: str) -> bytes | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while chunk := file.read(COPY_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        warn(f"{printable_text(path)}: left out: {error.strerror}")
        return None
    return digest.digest()
