"""What is kept of an object in case the queue asks for more of it: its bytes, and what is needed to decide again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import structlog

from sampler import snapshot
from sampler.errors import SealError
from sampler.model import Candidate, FileStat, KeptSource, Peer, Reason, Snapshot, Subject
from sampler.retain import RetainStore
from sampler.snapshot import SnapshotTaker

log = structlog.get_logger()


class About(msgspec.Struct, frozen=True):
    """What is kept beside the bytes. Facts of a process are not: it may be another one by then."""

    sha256: str
    received: datetime
    reason: Reason
    peer: Peer
    path: bytes | None
    detections: tuple[str, ...]
    origin_url: str | None
    stat: FileStat
    is_file: bool


@dataclass(frozen=True, slots=True)
class KeptObject:
    """An object that was kept: as a candidate, and its bytes, which whoever got it releases."""

    candidate: Candidate
    snapshot: Snapshot


_decoder = msgspec.json.Decoder(About)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps objects and brings them back. Blocking."""

    store: RetainStore

    def keep(self, candidate: Candidate, whole: Snapshot, now: datetime) -> None:
        """Keep a file's bytes; captures are not kept, and what cannot be kept is only logged."""
        if candidate.subject is not Subject.FILE or candidate.answers is not None:
            return
        about = about_of(candidate, whole)
        chunks = snapshot.read_range(whole, 0, whole.size)
        try:
            self.store.keep(candidate.event_id, msgspec.json.encode(about), whole.size, chunks, now)
        except OSError as error:
            log.warning("an object is not kept for further asks", event_id=candidate.event_id, error=str(error))

    @contextmanager
    def brought_back(self, event_id: str, snapshots: SnapshotTaker, now: datetime) -> Iterator[KeptObject | None]:
        """An object as it was taken, or ``None`` where it is not kept, or was changed since.

        Raises:
            SpoolFull, SpoolError: there is no room for its bytes.
        """
        kept = self._bring_back(event_id, snapshots, now)
        try:
            yield kept
        finally:
            if kept is not None:
                snapshot.release(kept.snapshot)

    def _bring_back(self, event_id: str, snapshots: SnapshotTaker, now: datetime) -> KeptObject | None:
        try:
            with self.store.opened(event_id, now) as kept:
                if kept is None:
                    return None
                about = _decoder.decode(kept.about)
                whole = snapshot_of(about, snapshots.keep_pieces(kept.read(), expected_bytes=kept.size))
        except (SealError, OSError, msgspec.MsgspecError) as error:
            log.error("a kept object cannot be read", event_id=event_id, error=str(error))
            return None
        return KeptObject(candidate_of(event_id, about), whole)


def about_of(candidate: Candidate, whole: Snapshot) -> About:
    """What is to be known of an object later."""
    return About(
        sha256=whole.sha256,
        received=candidate.received,
        reason=candidate.reason,
        peer=candidate.peer,
        path=whole.path,
        detections=candidate.detections,
        origin_url=candidate.origin_url,
        stat=whole.stat,
        is_file=whole.is_file,
    )


def snapshot_of(about: About, whole: Snapshot) -> Snapshot:
    """Bytes that were brought back, with what was known of them when they were taken."""
    assert whole.sha256 == about.sha256  # both were sealed together
    return replace(whole, stat=about.stat, path=about.path, is_file=about.is_file)


def candidate_of(event_id: str, about: About) -> Candidate:
    """The object as a candidate of another event."""
    return Candidate(
        event_id=event_id,
        received=about.received,
        reason=about.reason,
        peer=about.peer,
        source=KeptSource(about.path),
        detections=about.detections,
        origin_url=about.origin_url,
    )
