"""The room that a spool has: who still gets in, and who has to go for it.

What is being written is *promised*: its bytes are counted in, and its files stay whoever else ends. What was handed out
for delivery is *lent*: it may be on its way by now, so it is never ended to make room; nor is what was tried before and
may be at the queue already. An end is first durable in the ledger, then told to the journal; a process that is killed
in between tells it when it starts again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from sampler.errors import SpoolError, SpoolFull
from sampler.limits import KIB
from sampler.model import Content, ObjectState
from sampler.spool.ballast import Ballast
from sampler.spool.contents import ContentFolder
from sampler.spool.ends import Ended, OnEnded, Why
from sampler.spool.evicting import Newcomer, Resident, choose
from sampler.spool.ledger import SpoolLedger
from sampler.spool.quota import Fill, Quota, obstacle, shortage_bytes
from sampler.spool.worth import Scale, Worth

T = TypeVar("T")
log = structlog.get_logger()

_LOOKED_AT_MAX_COUNT: Final = 1_000
"""Objects, those of least severity and greatest size, among which is looked for those that go."""
_LEDGER_BYTES: Final = 256 * KIB
"""What writing an object down can take, in the ledger's log and its pages."""
_TOLD_AT_ONCE: Final = 500
_MADE_ROOM: Final = "the spool was full, and it was worth less than what came"


class Room:
    """One spool's room. Every method is called under the spool's lock."""

    def __init__(
        self, folder: Path, contents: ContentFolder, ledger: SpoolLedger, quota: Quota, on_ended: OnEnded
    ) -> None:
        self._folder = folder
        self._contents = contents
        self._ledger = ledger
        self._quota = quota
        self._on_ended = on_ended
        self._ballast = Ballast(folder / "ballast")
        self._ballast.take()
        self._promised: Counter[str] = Counter()
        self._promised_bytes = 0
        self._lent: set[str] = set()

    # --- who gets in -------------------------------------------------------------------------------------------------

    def promise(
        self, event_id: str, wanted: Collection[Content], manifest_bytes: int, worth: Worth, now: datetime
    ) -> int:
        """Count an object in and hold its contents, others making room where they are worth less; returns its bytes.

        Raises:
            SpoolFull: it does not fit.
        """
        absent = (c.size for c in wanted if not self._promised[c.sha256] and not self._contents.holds(c.sha256))
        needed_bytes = sum(absent) + manifest_bytes
        self._promised.update(content.sha256 for content in wanted)  # so that nobody who goes takes one of them along
        try:
            if missing_bytes := shortage_bytes(self._quota, self._fill_with_ledger(), needed_bytes):
                self._make_room(Newcomer(worth, needed_bytes), missing_bytes, now)
            if (reason := obstacle(self._quota, self.fill(), needed_bytes)) is not None:
                raise SpoolFull(f"{event_id}: {reason}")
        except BaseException:
            self.keep_promise(wanted, 0)
            raise
        self._promised_bytes += needed_bytes
        return needed_bytes

    def keep_promise(self, wanted: Iterable[Content], needed_bytes: int) -> None:
        """Let go of a promise, however its object ended, and of files that it leaves to nobody."""
        hashes = [content.sha256 for content in wanted]
        self._promised_bytes -= needed_bytes
        self._promised.subtract(hashes)
        self._promised = +self._promised
        self.discard(hashes)
        self._ballast.take()

    def promised(self) -> Collection[str]:
        """SHA-256 of the contents whose files stay, whoever needs them by now."""
        return +self._promised

    def fill(self) -> Fill:
        """How full it is."""
        system = os.statvfs(self._folder)
        return Fill(self._ledger.used_bytes(), self._promised_bytes, system.f_bavail * system.f_frsize)

    @property
    def quota(self) -> Quota:
        """What the owner lets it take."""
        return self._quota

    # --- who goes ----------------------------------------------------------------------------------------------------

    def lend(self, event_ids: Iterable[str]) -> None:
        """These may be offered from now on."""
        self._lent.update(event_ids)

    def give_back(self, event_id: str) -> None:
        """The attempt at this one has ended."""
        self._lent.discard(event_id)

    def end_all(
        self, event_ids: Iterable[str], state: ObjectState, why: Why, detail: str, now: datetime
    ) -> tuple[str, ...]:
        """End those that wait for delivery and are not lent, durably, and tell the journal; which they were.

        Raises:
            SpoolFull: there is no room on the disk even to write this down; nothing has changed.
            JournalError: it cannot be told now, but has happened; ``tell`` does it later.
        """
        ends = [Ended(each, state, why, detail, now) for each in event_ids if each not in self._lent]
        departed = self.writing(partial(self._ledger.end_all, ends))
        self.discard(departed.contents)
        self.tell()
        return departed.event_ids

    def tell(self) -> None:
        """Tell the journal of all ends that it has not heard of.

        Raises:
            SpoolFull, JournalError: it cannot be told now.
        """
        while ends := self._ledger.untold(_TOLD_AT_ONCE):
            for each in ends:
                self._on_ended(each)
            self.writing(partial(self._ledger.told, [each.event_id for each in ends]))

    def writing(self, step: Callable[[], T]) -> T:
        """A step of the ledger that ends something; on a full disk it gets the ballast's room.

        Raises:
            SpoolFull: there is none left; nothing has changed.
        """
        try:
            return step()
        except SpoolFull:
            if not self._ballast.release():
                raise
            return step()

    def discard(self, contents: Iterable[str]) -> None:
        """Remove the files that nobody needs; what cannot be removed now is left to ``sweep``."""
        for sha256 in self._ledger.unneeded(contents):
            if self._promised[sha256]:
                continue
            try:
                self._contents.remove(sha256)
            except SpoolError as error:
                log.warning("content left behind", sha256=sha256, reason=str(error))

    def refill_ballast(self) -> None:
        """Hold room back again, where there is some."""
        self._ballast.take()

    def _fill_with_ledger(self) -> Fill:
        """The same, with the room that the ledger's next steps may take counted in: what just fits may not go."""
        fill = self.fill()
        return replace(fill, free_bytes=fill.free_bytes - _LEDGER_BYTES)

    def _make_room(self, newcomer: Newcomer, missing_bytes: int, now: datetime) -> None:
        residents = [each for each in self._ledger.evictable(_LOOKED_AT_MAX_COUNT) if each.event_id not in self._lent]
        waiting = {group.name: group.size_bytes for group in self._ledger.groups()}
        scale = Scale(self._quota.max_bytes, waiting, self._ledger.seen())
        going: Sequence[Resident] = choose(residents, newcomer, missing_bytes, scale, self.promised())
        if going:
            log.info("objects make room in the spool", objects=len(going), bytes=missing_bytes)
            self.end_all((each.event_id for each in going), ObjectState.EVICTED, "room", _MADE_ROOM, now)
