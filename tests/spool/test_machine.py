"""A spool under anything that can be done to it: its quota, its files and its books agree after every step."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from sampler.errors import SpoolFull
from sampler.model import Content, ObjectRecord, ObjectState, Parcel, Reason, StatementRef, parcel
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Ended, Spool, Worth
from sampler.storage.memory_spool import MemorySpoolLedger

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
MAX_BYTES = 5_000
PIECES = tuple(bytes([number]) * size for number, size in enumerate((100, 900, 2000, 2500, 4000)))


def _content(piece: bytes) -> Content:
    return Content(hashlib.sha256(piece).hexdigest(), len(piece), 0)


def _parcel(event_id: str, contents: tuple[Content, ...]) -> Parcel:
    statement = StatementRef("basic", 1, "0" * 64)
    return Parcel(event_id, NOW, "a" * 64, 1, statement, frozenset(), (), (), contents, (), (), seal=parcel._SEAL)


class SpoolMachine(RuleBasedStateMachine):
    """What an agent, a queue, a clock and an operator do, in any order."""

    objects = Bundle("objects")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="spool-"))
        keys = KeyRing(self.folder / "keys")
        keys.rotate(NOW, timedelta(days=1))
        self.told: list[Ended] = []
        self.lent: set[str] = set()
        self.made_room_while_lent: list[str] = []
        self.spool = Spool(
            self.folder, MemorySpoolLedger(), keys, max_bytes=MAX_BYTES, reserve_bytes=0, on_ended=self._tell
        )

    def _tell(self, end: Ended) -> None:
        self.told.append(end)
        if end.event_id in self.lent:
            self.made_room_while_lent.append(end.event_id)

    @rule(
        target=objects,
        pieces=st.sets(st.integers(0, len(PIECES) - 1), max_size=3),
        worth=st.builds(Worth, st.sampled_from(["one", "two"]), st.integers(0, 100)),
        state=st.sampled_from([ObjectState.SPOOLED, ObjectState.SPOOLED, ObjectState.HELD]),
    )
    def put(self, pieces: set[int], worth: Worth, state: ObjectState) -> str:
        """Somebody flags something."""
        event_id = str(uuid.uuid4())
        bytes_of = {_content(PIECES[piece]): PIECES[piece] for piece in sorted(pieces)}
        record = ObjectRecord(event_id, state, NOW, NOW, 0, Reason.DETECTION)
        known = {each.event_id for each in self.spool.list(state=ObjectState.SPOOLED, limit=1000)}
        try:
            made = _parcel(event_id, tuple(bytes_of))
            self.spool.put(record, made, b"{}", lambda content: [bytes_of[content]], worth=worth)
        except SpoolFull:
            assert self.spool.get(event_id) is None
            assert {each.event_id for each in self.spool.list(state=ObjectState.SPOOLED, limit=1000)} == known
        return event_id

    @rule(limit=st.integers(1, 3))
    def deliver(self, limit: int) -> None:
        """The uploader takes what is due."""
        self.lent.update(each.event_id for each in self.spool.pending(NOW, limit))

    @rule(event_id=objects)
    def deliver_in_vain(self, event_id: str) -> None:
        """An attempt fails."""
        if event_id in self.lent:
            self.spool.postpone(event_id, NOW, detail="busy", now=NOW)
            self.lent.discard(event_id)

    @rule(event_id=objects)
    def delivered(self, event_id: str) -> None:
        """The queue has it."""
        if event_id in self.lent:
            self.spool.finish(event_id, ObjectState.DELIVERED, detail="", sent_bytes=0, now=NOW)
            self.lent.discard(event_id)

    @rule(event_id=objects)
    def take_back(self, event_id: str) -> None:
        """Its owner recalls it."""
        self.spool.take_back(event_id, None, detail="", now=NOW)

    @rule(event_id=objects)
    def purge(self, event_id: str) -> None:
        """An operator takes it out."""
        self.spool.upkeep.purge([event_id], "root", NOW)

    @rule(days=st.integers(1, 20))
    def grow_old(self, days: int) -> None:
        """Time passes."""
        self.spool.upkeep.live(days * 86_400)
        self.spool.upkeep.expire(NOW, timedelta(days=30))

    @rule()
    def sweep(self) -> None:
        """A start finds nothing to clean up."""
        assert self.spool.sweep() == ()

    @invariant()
    def quota_holds(self) -> None:
        """Never more than may wait."""
        assert self.spool.used_bytes() <= MAX_BYTES

    @invariant()
    def files_are_what_is_needed(self) -> None:
        """Each content that somebody waits with is there, and no other."""
        needed = {sha256 for sha256, _ in self.spool.needed("", 1000)}
        assert needed == {path.stem for path in (self.folder / "contents").glob("*/*")}

    @invariant()
    def ends_are_told_once_and_truly(self) -> None:
        """What was told has that end, once; nothing ends behind the back of an attempt."""
        told = {end.event_id: end for end in self.told}
        assert len(told) == len(self.told)
        for end in self.told:
            record = self.spool.get(end.event_id)
            assert record is not None
            assert record.state in (end.state, ObjectState.RECALLED)
        assert self.made_room_while_lent == []
        ended = [*self._all(ObjectState.EVICTED), *self._all(ObjectState.EXPIRED)]
        assert {record.event_id for record in ended} <= told.keys()

    def _all(self, state: ObjectState) -> Iterator[ObjectRecord]:
        yield from self.spool.list(state=state, limit=1000)

    def teardown(self) -> None:
        """Nothing stays behind."""
        self.spool.close()
        shutil.rmtree(self.folder)


SpoolMachine.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSpoolMachine = SpoolMachine.TestCase
