"""What the spool needs of a ledger. What implements it is in ``storage``; one conformance suite runs over all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

from sampler.model import ObjectRecord, ObjectState, Spent, Verdict, Waiting
from sampler.spool.days import DaysLedger
from sampler.spool.ends import EndsLedger
from sampler.spool.recalls import RecallsLedger
from sampler.spool.worth import Worth

NO_WORTH: Final = Worth()
"""Of an object of which nobody said anything."""


class SpoolLedger(DaysLedger, RecallsLedger, EndsLedger, Protocol):
    """Records of flagged objects, and what is still to be delivered of them. Values in, values out; no files.

    Every method that changes something is one transaction and durable when it returns. The spool lets one thread at a
    time in. Any method may raise ``StorageError``, and those that write ``SpoolFull`` when the disk is full.
    """

    def add(self, record: ObjectRecord, waiting: Waiting | None, worth: Worth = NO_WORTH) -> bool:
        """Make an object visible; ``False``, and no change, when there is one with this ``event_id``."""

    def get(self, event_id: str) -> ObjectRecord | None:
        """The record, or ``None``."""

    def list(self, *, state: ObjectState | None, after: str | None, limit: int) -> tuple[ObjectRecord, ...]:
        """Records in the reverse order of their adding, from the one behind ``after`` on; none if that is unknown."""

    def counts(self) -> Counter[ObjectState]:
        """How many objects are in each state."""

    def used_bytes(self) -> int:
        """Bytes of all contents that some object needs, each counted once, and of all manifests that wait."""

    def due(self, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """What may be delivered at ``now``, in the order of adding. Only ``SPOOLED`` objects ever are."""

    def next_due(self) -> datetime | None:
        """When the next delivery may begin, in the past or the future; ``None`` when nothing waits."""

    def release(self, record: ObjectRecord, waiting: Waiting, worth: Worth = NO_WORTH) -> bool:
        """Let a ``HELD`` object be delivered, as ``record`` and ``waiting`` say from now on; ``False``, and no change,
        where it is not held.
        """

    def permitted_since(self, moment: datetime) -> Spent:
        """What was added or released to be delivered, with contents, from this moment on."""

    def finish(
        self, event_id: str, state: ObjectState, *, detail: str, sent_bytes: int, now: datetime, rule: str | None = None
    ) -> tuple[str, ...]:
        """End an object; returns the SHA-256 of the contents that it needed until now.

        ``rule`` is the numbered rule that ends it; ``None`` leaves the one that stands there. An object that has ended,
        or that is unknown, stays as it is: nothing is returned.
        """

    def unneeded(self, contents: Iterable[str]) -> tuple[str, ...]:
        """Those of ``contents`` (SHA-256) that no object needs."""

    def postpone(self, event_id: str, until: datetime, *, detail: str, now: datetime) -> None:
        """Count one more attempt and make the object due at ``until``; ended and unknown ones stay as they are."""

    def set_verdict(self, event_id: str, verdict: Verdict, now: datetime) -> ObjectRecord | None:
        """Keep what analysis concluded; returns the changed record, ``None`` when there is no such object."""

    def remember_upload(self, event_id: str, sha256: str, url: str) -> None:
        """Keep where a content's upload goes on; nothing for ended and unknown objects."""

    def upload_url(self, event_id: str, sha256: str) -> str | None:
        """What ``remember_upload`` was told last."""

    def cursor(self) -> int:
        """The verdict cursor; 0 at first."""

    def set_cursor(self, value: int) -> None:
        """Keep the verdict cursor."""

    def close(self) -> None:
        """Let go of the file behind it."""
