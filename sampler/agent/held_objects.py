"""What is kept of an object until a person has decided about its contents: its bytes, and what was asked of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import structlog

from sampler import snapshot
from sampler.agent.keeping import About, KeptObject, about_of, candidate_of, snapshot_of
from sampler.errors import RequestError, SealError, SealKeyMissing
from sampler.model import Ask, Candidate, Snapshot
from sampler.retain import HoldStore
from sampler.snapshot import SnapshotTaker

log = structlog.get_logger()

_NAMES: Final = uuid.UUID("5c1b6a0e-9d0f-5f3c-8a57-0f6f6f1f2b77")
"""Namespace of the identifiers of held contents (RFC 9562, section 5.5)."""


class HeldAbout(msgspec.Struct, frozen=True):
    """What is kept beside the bytes."""

    object: About
    ask: Ask
    """What was asked of the object: an approval speaks of this, whatever rules ask by then."""
    follows: str


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object whose contents wait, as a candidate with the identifier of the waiting, and its bytes."""

    kept: KeptObject
    ask: Ask


_decoder = msgspec.json.Decoder(HeldAbout)


def held_id(event_id: str) -> str:
    """The identifier under which an object's held contents wait, the same however often the object is flagged."""
    return str(uuid.uuid5(_NAMES, event_id))


@dataclass(frozen=True, slots=True)
class HeldObjects:
    """Keeps objects whose contents wait for a person, and brings them back. Blocking."""

    store: HoldStore
    turns: threading.Lock = field(default_factory=threading.Lock)
    """Held while bytes and event of a waiting come into being, and while what belongs to none is swept away."""

    def keep(self, candidate: Candidate, whole: Snapshot, ask: Ask) -> bool:
        """Keep an object's bytes under the identifier of its waiting; false where they cannot be kept."""
        about = HeldAbout(about_of(candidate, whole), ask, candidate.follows or candidate.event_id)
        chunks = snapshot.read_range(whole, 0, whole.size)
        try:
            return self.store.keep(held_id(candidate.event_id), msgspec.json.encode(about), whole.size, chunks)
        except OSError as error:
            log.error("contents that wait for approval cannot be kept", event_id=candidate.event_id, error=str(error))
            return False

    @contextmanager
    def brought_back(self, event_id: str, snapshots: SnapshotTaker) -> Iterator[HeldObject | None]:
        """An object whose contents wait under this identifier, or ``None`` where its bytes are gone or were changed.

        Raises:
            RequestError: the key that they are encrypted with is away.
            SpoolFull, SpoolError: there is no room for its bytes.
        """
        held = self._bring_back(event_id, snapshots)
        try:
            yield held
        finally:
            if held is not None:
                snapshot.release(held.kept.snapshot)

    def _bring_back(self, event_id: str, snapshots: SnapshotTaker) -> HeldObject | None:
        try:
            with self.store.opened(event_id) as kept:
                if kept is None:
                    return None
                about = _decoder.decode(kept.about)
                whole = snapshot_of(about.object, snapshots.keep_pieces(kept.read(), expected_bytes=kept.size))
        except SealKeyMissing as error:
            raise RequestError(f"{event_id} waits on: {error}") from error
        except (SealError, OSError, msgspec.MsgspecError) as error:
            log.error("contents that wait for approval cannot be read", event_id=event_id, error=str(error))
            return None
        candidate = replace(candidate_of(event_id, about.object), follows=about.follows)
        return HeldObject(KeptObject(candidate, whole), about.ask)
