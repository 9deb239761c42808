"""The spool: an object is visible once its contents are durable, and its contents go once its end is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sampler.model import ObjectRecord, ObjectState, Parcel, Spent, Verdict, Waiting
from sampler.runtime.durable import make_private_folder
from sampler.runtime.key_ring import Keys
from sampler.spool.contents import ContentFolder, Read, hash_of
from sampler.spool.days import Days
from sampler.spool.ends import Ended, OnEnded
from sampler.spool.ledger import NO_WORTH, SpoolLedger
from sampler.spool.migrating import seal_plain
from sampler.spool.quota import Quota
from sampler.spool.recalls import Booked, Wish
from sampler.spool.room import Room
from sampler.spool.upkeep import Upkeep
from sampler.spool.worth import Worth


def _nobody_is_told(_end: Ended) -> None:
    """Stands for the journal where there is none."""


class Spool:
    """Parcels that wait, and the record of every object that was ever flagged. Safe for several threads.

    One lock lets one thread at a time at the ledger. Contents are written outside of it; while they are, their hashes
    are *promised*, so that an object that ends meanwhile does not take a shared file away.

    Args:
        folder: of its own; made where there is none.
        ledger: of the states; the spool closes it.
        keys: what contents are encrypted with.
        max_bytes: what may wait, contents and manifests together.
        reserve_bytes: what stays free on the folder's file system.
        on_ended: told of each end that the spool decides by itself; called under its lock.
    """

    def __init__(
        self,
        folder: Path,
        ledger: SpoolLedger,
        keys: Keys,
        *,
        max_bytes: int,
        reserve_bytes: int,
        on_ended: OnEnded = _nobody_is_told,
    ) -> None:
        make_private_folder(make_private_folder(folder) / "contents")
        self._contents = ContentFolder(folder / "contents", keys)
        self._ledger = ledger
        self._lock = threading.Lock()
        self._room = Room(folder, self._contents, ledger, Quota(max_bytes, reserve_bytes), on_ended)
        self.days = Days(ledger, self._lock)
        """What was counted when."""
        self.upkeep = Upkeep(ledger, self._room, self._lock)
        """What operators and the clock do to it."""

    # --- from the pipeline -------------------------------------------------------------------------------------------

    def put(
        self, record: ObjectRecord, parcel: Parcel, manifest: bytes, read: Read, *, worth: Worth = NO_WORTH
    ) -> None:
        """Keep a permitted object until it is delivered; durable when it returns.

        Steps: (1) where it does not fit, what is worth less is evicted; (2) each content durable; (3) one transaction
        of the ledger makes the object visible. The same ``event_id`` again changes nothing.

        Args:
            record: in the state ``SPOOLED`` to be delivered, ``HELD`` to wait for a person.
            parcel: what permit let through.
            manifest: the bytes to offer to the queue.
            read: yields a content's bytes.
            worth: what it is worth in a full spool.

        Raises:
            SpoolFull: by quota or disk, and nothing is worth less; nothing of the object is kept.
            SpoolError: the bytes are not those of the parcel, or the disk fails; nothing of the object is kept.
        """
        self._keep(record, parcel, manifest, read, worth, self._ledger.add, None)

    def _keep(  # noqa: PLR0917  # what ``put`` takes, and the step of the ledger from one state to the next
        self,
        record: ObjectRecord,
        parcel: Parcel,
        manifest: bytes,
        read: Read,
        worth: Worth,
        step: Callable[[ObjectRecord, Waiting, Worth], bool],
        before: ObjectState | None,
    ) -> bool:
        """Room, contents, the ledger's step; ``False`` where the object is in another state than ``before``."""
        waiting = Waiting(record.event_id, manifest, parcel.contents, parcel.scopes, parcel.statement, attempts=0)
        wanted = {content.sha256: content for content in parcel.contents}.values()
        with self._lock:
            known = self._ledger.get(record.event_id)
            if (known.state if known else None) is not before:
                return False
            promised = self._room.promise(record.event_id, wanted, len(manifest), worth, record.updated)  # (1)
        try:
            for content in wanted:
                if not self._contents.can_give(content):
                    self._contents.write(content, read)  # (2)
            with self._lock:
                return step(record, waiting, worth)  # (3)
        finally:
            with self._lock:
                self._room.keep_promise(wanted, promised)

    def record(self, record: ObjectRecord) -> None:
        """Keep the record of an object that ended without a parcel; the same ``event_id`` again changes nothing.

        Raises:
            ValueError: it is to be delivered, and so needs ``put``.
        """
        if record.state is ObjectState.SPOOLED:
            raise ValueError(f"{record.event_id} cannot be delivered without a parcel")
        with self._lock:
            self._ledger.add(record, None)

    def release(
        self, record: ObjectRecord, parcel: Parcel, manifest: bytes, read: Read, *, worth: Worth = NO_WORTH
    ) -> bool:
        """Keep what a person approved of a held object until it is delivered; durable when it returns.

        Args:
            record: of the held object, now in the state ``SPOOLED``.
            parcel: what permit let through.
            manifest: the bytes to offer to the queue.
            read: yields a content's bytes.
            worth: what it is worth in a full spool.

        Returns:
            ``False``, and nothing is kept, where the object is no longer held.

        Raises:
            SpoolFull, SpoolError: as ``put``; the object is still held.
        """
        return self._keep(record, parcel, manifest, read, worth, self._ledger.release, ObjectState.HELD)

    # --- for whoever asks --------------------------------------------------------------------------------------------

    def get(self, event_id: str) -> ObjectRecord | None:
        """The record of one object, or ``None``."""
        with self._lock:
            return self._ledger.get(event_id)

    def list(
        self, *, state: ObjectState | None = None, after: str | None = None, limit: int = 100
    ) -> tuple[ObjectRecord, ...]:
        """Records, newest first; ``after`` is the last ``event_id`` of the page before."""
        with self._lock:
            return self._ledger.list(state=state, after=after, limit=limit)

    def counts(self) -> dict[ObjectState, int]:
        """How many objects are in each state (a ``Counter``: absent states read as 0)."""
        with self._lock:
            return self._ledger.counts()

    def permitted_since(self, moment: datetime) -> Spent:
        """What was permitted to leave with contents from this moment on, delivered or not."""
        with self._lock:
            return self._ledger.permitted_since(moment)

    def used_bytes(self) -> int:
        """Bytes of everything that waits, shared contents counted once."""
        with self._lock:
            return self._ledger.used_bytes()

    # --- for the uploader --------------------------------------------------------------------------------------------

    def pending(self, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """What may be delivered at ``now``, oldest first.

        What is handed out may be offered from now on: until its attempt has ended nothing else takes its room.
        """
        with self._lock:
            due = self._ledger.due(now, limit)
            self._room.lend(waiting.event_id for waiting in due)
            return due

    def next_due(self) -> datetime | None:
        """When the next delivery may begin; ``None`` when nothing waits."""
        with self._lock:
            return self._ledger.next_due()

    def open_content(self, sha256: str) -> BinaryIO:
        """A content's bytes, readable from any place on; the caller closes it.

        Raises:
            ContentLost: it is gone or was changed; the same when what was changed is read.
            SpoolError: it cannot be read now.
        """
        return self._contents.open(sha256)

    def finish(
        self, event_id: str, state: ObjectState, *, detail: str, sent_bytes: int, now: datetime, rule: str | None = None
    ) -> None:
        """End an object, then remove the contents that nobody else needs. One that has ended stays as it is.

        ``rule`` is the numbered rule that ends it, if one does.

        Raises:
            ValueError: ``state`` is not a final one.
            SpoolFull: there is no room on the disk even to write this down; the object is as it was.
        """
        if not state.is_final:
            raise ValueError(f"{state} ends nothing")
        finish = partial(self._ledger.finish, event_id, state, detail=detail, sent_bytes=sent_bytes, now=now, rule=rule)
        with self._lock:
            self._room.discard(self._room.writing(finish))
            self._room.give_back(event_id)
            self._room.refill_ballast()

    def postpone(self, event_id: str, until: datetime, *, detail: str, now: datetime) -> None:
        """Count one more attempt and try again at ``until``."""
        with self._lock:
            self._ledger.postpone(event_id, until, detail=detail, now=now)
            self._room.give_back(event_id)

    def set_verdict(self, event_id: str, verdict: Verdict, now: datetime) -> ObjectRecord | None:
        """Keep what analysis concluded; ``None`` when there is no such object."""
        with self._lock:
            return self._ledger.set_verdict(event_id, verdict, now)

    def cursor(self) -> int:
        """The verdict cursor."""
        with self._lock:
            return self._ledger.cursor()

    def set_cursor(self, value: int) -> None:
        """Keep the verdict cursor."""
        with self._lock:
            self._ledger.set_cursor(value)

    def remember_upload(self, event_id: str, sha256: str, url: str) -> None:
        """Keep where the upload of a content goes on after a break."""
        with self._lock:
            self._ledger.remember_upload(event_id, sha256, url)

    def upload_url(self, event_id: str, sha256: str) -> str | None:
        """What ``remember_upload`` was told last."""
        with self._lock:
            return self._ledger.upload_url(event_id, sha256)

    # --- taking back -------------------------------------------------------------------------------------------------

    def take_back(self, event_id: str, wish: Wish | None, *, detail: str, now: datetime) -> None:
        """End an object as ``RECALLED`` whatever its state, durably, and remove the contents that nobody else needs."""
        with self._lock:
            self._room.discard(self._ledger.take_back(event_id, wish, detail=detail, now=now))

    def wish(self, event_id: str) -> Wish | None:
        """The wish that the queue destroys what it has of an object."""
        with self._lock:
            return self._ledger.wish(event_id)

    def wishes(self, limit: int) -> tuple[Wish, ...]:
        """Those that the queue has not confirmed, the oldest first."""
        with self._lock:
            return self._ledger.wishes(limit)

    def end_wish(self, event_id: str, *, confirmed: bool, detail: str, now: datetime) -> None:
        """The queue confirmed it; or it is dropped, since nothing had left."""
        with self._lock:
            self._ledger.end_wish(event_id, confirmed=confirmed, detail=detail, now=now)

    def followers(self, event_id: str, limit: int) -> tuple[ObjectRecord, ...]:
        """What was made of the same object later."""
        with self._lock:
            return self._ledger.followers(event_id, limit)

    def booked(self, event_id: str) -> Booked | None:
        """Everything that the ledger has of one object."""
        with self._lock:
            return self._ledger.booked(event_id)

    def in_order(self, after: str, limit: int) -> tuple[Booked, ...]:
        """Objects in the order of their identifiers, from the one behind ``after`` on."""
        with self._lock:
            return self._ledger.in_order(after, limit)

    def needed(self, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Contents that some object needs, SHA-256 and bytes, in the order of their hashes."""
        with self._lock:
            return self._ledger.needed(after, limit)

    # --- upkeep ------------------------------------------------------------------------------------------------------

    def sweep(self) -> tuple[str, ...]:
        """Remove what a crash left: contents that no object needs, temporary files. Returns the names of both.

        What lies there plain, from before contents were encrypted, is encrypted first.
        """
        with self._lock:
            present = {sha256 for path in self._contents.names() if (sha256 := hash_of(path)) is not None}
            needed = present.difference(self._ledger.unneeded(present))
            seal_plain(self._contents, needed)
            return self._contents.sweep(needed.union(self._room.promised()))

    def keys_used(self) -> set[int]:
        """The numbers of the keys that contents are encrypted with."""
        return self._contents.keys_used()

    def close(self) -> None:
        """Let go of the ledger."""
        with self._lock:
            self._ledger.close()
