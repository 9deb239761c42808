"""What ``sampler history`` is asked about: an object's identifier, a SHA-256, or a file.

The journal holds names only as they left, with templates in the place of people's folders. So a file is looked for by
the hash of its bytes as they are now, and, where the agent answers, by its ledger, which knows what each object was
called when it was flagged and shows that to the one who flagged it and to root.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampler.cli.output import printable_text
from sampler.errors import QueueBusy, RequestError
from sampler.intake import AgentClient
from sampler.limits import COPY_CHUNK_BYTES, OBJECT_MAX_BYTES
from sampler.wire.messages import UUID

_ID: Final = re.compile(UUID)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PAGE: Final = 1000
_PAGES_MAX_COUNT: Final = 100


@dataclass(frozen=True, slots=True)
class Target:
    """The objects that are meant."""

    ids: frozenset[str] = frozenset()
    sha256: str = ""
    notes: tuple[str, ...] = ()
    """How they were found, and what could not be looked at."""


async def target_of(text: str, socket: Path) -> Target:
    """What a word on the command line means; a file named as an identifier is written ``./NAME``.

    Raises:
        RequestError: neither the file can be read nor the agent asked, so nothing can be said.
    """
    if _ID.fullmatch(text):
        return Target(ids=frozenset({text}))
    if _SHA256.fullmatch(text.lower()):
        return Target(sha256=text.lower())
    sha256, by_hash = _hashed(text)
    ids, by_name = await _flagged(text, socket)
    if not sha256 and ids is None:
        raise RequestError(f"{printable_text(text)}: {by_hash}; {by_name}; name the object's ID or SHA-256")
    return Target(ids=ids or frozenset(), sha256=sha256, notes=(by_hash, by_name))


def _hashed(text: str) -> tuple[str, str]:
    """The SHA-256 of the file's bytes as they are now, and how it went."""
    try:
        sha256 = _sha256(text)
    except OSError as error:
        return "", f"its bytes cannot be read ({error.strerror or error}), so it is not looked for by hash"
    return sha256, f"by its bytes as they are now: SHA-256 {sha256}"


def _sha256(text: str) -> str:
    descriptor = os.open(text, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no regular file")
        digest, left = hashlib.sha256(), OBJECT_MAX_BYTES
        while chunk := file.read(min(COPY_CHUNK_BYTES, left + 1)):
            digest.update(chunk)
            left -= len(chunk)
            if left < 0:
                raise OSError(f"it has more than {OBJECT_MAX_BYTES} bytes")
    return digest.hexdigest()


async def _flagged(text: str, socket: Path) -> tuple[frozenset[str] | None, str]:
    """What was flagged under this name, and how it went; ``None``: nobody could be asked."""
    name = printable_name(os.path.abspath(text))
    try:
        ids = await _named(name, socket)
    except (RequestError, QueueBusy) as error:
        return None, f"its name is in the agent's ledger only, and {error}"
    return ids, f"by the agent's ledger, as flagged under its name: {len(ids)} objects"


async def _named(name: str, socket: Path) -> frozenset[str]:
    found, after = set(), None
    async with AgentClient(socket) as client:
        for _ in range(_PAGES_MAX_COUNT):
            page = await client.objects(after=after, limit=_PAGE)
            found |= {view.id for view in page.objects if view.name == name}
            if (after := page.after) is None:
                break
    return frozenset(found)


def printable_name(path: str) -> str:
    """A path as the agent shows names."""
    return printable_text(os.fsencode(path).decode("utf-8", "backslashreplace"))
