"""Contents for people: downloaded in a form that nothing runs and no scanner deletes, and checked all the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from sampler.errors import ContentMismatch
from sampler.limits import KIB
from sampler.neutered import Form, plain
from sampler.runtime.blocking import off_loop
from sampler.worker.client import PeopleClient
from sampler.worker.private_files import remove, write_privately

_WRAP_MAX_BYTES: Final = 64 * KIB
"""Headers, names and footers of any form; compression that gains nothing adds a thousandth of the bytes."""


async def download_in(client: PeopleClient, sha256: str, size: int, path: Path, form: Form) -> None:
    """Download a content of at most ``size`` bytes to a new file, mode 0600, in this form; unwrapped only in passing.

    Whatever goes wrong, no part of the file is left.

    Raises:
        NotFound: the queue does not hold it.
        ContentMismatch: what the file wraps does not hash to ``sha256``, or is larger than ``size``.
        QueueRefused: this token may not have it in this form.
        FileExistsError: there is something at ``path`` already; it is left as it is.
        OSError: the file cannot be written.
    """
    most = size + size // 1000 + _WRAP_MAX_BYTES
    await write_privately(path, client.wrapped(sha256, form, max_bytes=most))
    try:
        await off_loop(_check, path, form, sha256, size)
    except BaseException:
        remove(path)
        raise


def _check(path: Path, form: Form, sha256: str, size: int) -> None:
    digest, seen = hashlib.sha256(), 0
    for piece in plain(path, form):
        seen += len(piece)
        if seen > size:
            raise ContentMismatch(f"content {sha256}: {path.name} wraps more than {size} bytes")
        digest.update(piece)
    if digest.hexdigest() != sha256:
        raise ContentMismatch(f"content {sha256}: {path.name} wraps bytes that hash to {digest.hexdigest()}")
