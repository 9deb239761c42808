"""What lies on disk beside ledger and journal: the bytes that wait, and nothing that nobody needs; how receipts hold.

Blocking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from sampler.agent.receipt_standing import StandingFile
from sampler.errors import ContentLost, ReceiptError, SpoolError
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import ObjectState
from sampler.spool import Booked, ContentFolder, hash_of
from sampler.wire.reconcile_messages import Difference

_PAGE: Final = 500
_SETTLED_SECONDS: Final = 60.0
"""Bytes are there a moment before the event that waits with them."""
_AGAIN: Final = "flag its object again"


class Needs(Protocol):
    """The part of the ledger that says which contents wait."""

    def needed(self, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Contents that some object needs, SHA-256 and bytes, in the order of their hashes."""

    def booked(self, event_id: str) -> Booked | None:
        """Everything about one object."""


def contents(ledger: Needs, folder: ContentFolder) -> Iterator[Difference]:
    """Contents that wait and are not there as they should be, then files that nobody needs.

    What an agent writes or removes meanwhile is looked at twice.
    """
    after = ""
    while page := ledger.needed(after, _PAGE):
        for sha256, size in page:
            fault = _fault(folder, sha256, size)
            if fault is not None and _is_needed(ledger, sha256):
                yield Difference(id=sha256, where="spool", code=fault[0], what=fault[1], advice=_AGAIN)
        after = page[-1][0]
    yield from _orphans(ledger, folder)


def kept(ledger: Needs, folder: Path) -> Iterator[Difference]:
    """Snapshots that are kept for further asks, of objects that are unknown or were taken back."""
    for path in sorted(folder.glob("*.sealed")) if folder.is_dir() else ():
        booked = ledger.booked(path.stem)
        if booked is None or booked.record.state is ObjectState.RECALLED:
            why = "is not in the ledger" if booked is None else "was taken back"
            what = f"a snapshot is kept for further asks, and its object {why}"
            if path.exists():
                yield Difference(id=path.stem, where="kept", code="needless", what=what, advice=f"remove {path.name}")


def held(ledger: Needs, folder: Path, now: float) -> Iterator[Difference]:
    """Bytes that wait for a person's approval, of objects that do not wait; those just written may not be known yet.

    Args:
        ledger: which objects wait.
        folder: of the sealed bytes.
        now: seconds since 1970.
    """
    for path in sorted(folder.glob("*.sealed")) if folder.is_dir() else ():
        booked = ledger.booked(path.stem)
        if booked is not None and booked.record.state is ObjectState.HELD:
            continue
        if _is_settled(path, now):
            state = "is not in the ledger" if booked is None else f"is {booked.record.state}"
            what = f"bytes are kept until somebody approves them, and their object {state}"
            yield Difference(id=path.stem, where="held", code="needless", what=what, advice="restart the agent")


def lost_while_held(event_id: str, folder: Path) -> Iterator[Difference]:
    """Where an object waits for approval and its bytes are gone; that they are the same is looked at when it leaves."""
    if not (folder / f"{event_id}.sealed").exists():
        what = "it waits for a person's approval, and its bytes are gone"
        yield Difference(id=event_id, where="held", code="content-missing", what=what, advice=_AGAIN)


def _is_settled(path: Path, now: float) -> bool:
    try:
        return now - path.stat(follow_symlinks=False).st_mtime > _SETTLED_SECONDS
    except FileNotFoundError:
        return False


def _fault(folder: ContentFolder, sha256: str, size: int) -> tuple[str, str] | None:
    digest, length = hashlib.sha256(), 0
    try:
        with folder.open(sha256) as file:
            while data := file.read(COPY_CHUNK_BYTES):
                digest.update(data)
                length += len(data)
                if length > size:
                    break
    except ContentLost:
        if folder.holds(sha256):
            return "content-changed", "a content waits for delivery, and its file was changed"
        return "content-missing", "a content waits for delivery, and its file is gone"
    except (SpoolError, OSError) as error:
        return "content-unreadable", f"a content waits for delivery, and its file cannot be read: {error}"
    if (digest.hexdigest(), length) != (sha256, size):
        return "content-changed", f"a content waits for delivery, and its file has other bytes ({length} of {size})"
    return None


def _orphans(ledger: Needs, folder: ContentFolder) -> Iterator[Difference]:
    for path in folder.names():
        sha256 = hash_of(path)
        if sha256 is not None and _is_orphan(ledger, path, sha256) and _is_orphan(ledger, path, sha256):
            what = "a file lies in the spool that no object needs"
            yield Difference(id=sha256, where="spool", code="needless", what=what, advice="restart the agent")


def _is_orphan(ledger: Needs, path: Path, sha256: str) -> bool:
    return path.exists() and not _is_needed(ledger, sha256)


def _is_needed(ledger: Needs, sha256: str) -> bool:
    """By the hash just before it: identifiers in the order of their hashes begin there."""
    before = f"{int(sha256, 16) - 1:064x}" if int(sha256, 16) else ""
    return any(found == sha256 for found, _ in ledger.needed(before, 1))


def receipts(standing: StandingFile) -> Iterator[Difference]:
    """What of the queue's receipts, or of the log that they are in, did not hold when it was followed."""
    advice = "see: sampler receipts list; ask whoever runs the queue"
    try:
        found = standing.read()
    except ReceiptError as error:
        yield Difference(id="", where="queue", code=error.code, what=str(error), advice=advice)
        return
    if found is not None and found.trouble is not None:
        yield Difference(id="", where="queue", code=found.trouble.code, what=found.trouble.detail, advice=advice)
    if found is not None and found.refused:
        what = f"{found.refused} of its receipts do not hold"
        yield Difference(id="", where="queue", code="receipts-refused", what=what, advice=advice)
