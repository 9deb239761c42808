"""``sampler queue download`` and ``sampler queue tasks download``: contents, wrapped so that nothing runs them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sampler.cli.exit_codes import ExitCode
from sampler.cli.options import choice_of, config_option
from sampler.cli.queue_clients import with_client
from sampler.errors import RequestError
from sampler.limits import OBJECT_MAX_BYTES
from sampler.neutered import Form, file_name, plain
from sampler.runtime.durable import make_private_folder
from sampler.worker import PeopleClient, Standing, download_in, standing_of_bytes

_form = click.option(
    "--form", type=choice_of(Form), default=Form.CART.value, show_default=True, help="raw needs the right to it."
)
_to = click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder.")


@click.command("download")
@click.argument("hashes", metavar="SHA256...", nargs=-1, required=True)
@_form
@_to
@config_option("client")
def download(hashes: tuple[str, ...], form: str, folder: Path, config: Path | None) -> None:
    """Download contents by their SHA-256.

    Each is wrapped: as CaRT, or as a zip with the password 'infected' (AES;
    zipcrypto for old tools). What is wrapped is checked against its hash.
    The queue notes who downloaded what.
    """

    async def fetch(client: PeopleClient) -> None:
        for sha256 in hashes:
            click.echo(str(await _saved(client, sha256, OBJECT_MAX_BYTES, folder, Form(form))))

    with_client(config, fetch)


@click.command("download")
@click.argument("task_id", metavar="ID")
@_form
@_to
@config_option("client")
def download_task(task_id: str, form: str, folder: Path, config: Path | None) -> None:
    """Download a task's contents, checked against their hashes.

    They are suspicious: each is wrapped, as CaRT or as a zip with the
    password 'infected'; files are private, not executable, and named by
    their SHA-256. Standard error says of each part whether it is proven to
    belong to the object; the exit code is 1 where a proof does not hold.
    """
    standings = with_client(config, lambda client: _fetched(client, task_id, folder, Form(form)))
    for file, standing in standings:
        click.echo(str(file))
        click.echo(f"{file.name}: {_STANDINGS[standing]}", err=True)
    if any(standing is Standing.FALSE for _, standing in standings):
        sys.exit(ExitCode.FOUND)


async def _saved(client: PeopleClient, sha256: str, size: int, folder: Path, form: Form) -> Path:
    """The file that a content was downloaded to.

    Raises:
        RequestError: it cannot be written, or is there already.
    """
    file = folder / file_name(sha256, form)
    try:
        make_private_folder(folder)
        await download_in(client, sha256, size, file, form)
    except FileExistsError as error:
        raise RequestError(f"{file} is there already, and left as it is; remove it or say --to FOLDER") from error
    except OSError as error:
        raise RequestError(f"{file} cannot be written: {error.strerror}") from error
    return file


async def _fetched(client: PeopleClient, task_id: str, folder: Path, form: Form) -> list[tuple[Path, Standing]]:
    task = await client.task(task_id)
    files = []
    for content in task.contents:
        file = await _saved(client, content.sha256, content.size, folder, form)
        files.append((file, standing_of_bytes(task.object, content, plain(file, form))))
    return files


_STANDINGS = {
    Standing.WHOLE: "the whole object",
    Standing.PROVEN: "proven to belong to the object",
    Standing.DERIVED: "derived from the object; replaying its recipe needs the whole",
    Standing.UNPROVEN: "its host sent no proof that it belongs to the object",
    Standing.FALSE: "DOES NOT BELONG to the object: its proof does not hold",
}
