"""Going through a journal line by line: whether the chain holds, where it ends, and what each file of it holds. Pure.

A chain that does not begin with entry 1 is sound where what lies before was removed for its age, or set aside as
damaged, and an entry says so: ``pruned`` names the last entry that was removed, ``repaired`` the last sound one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sampler.journal.aging import UNBEGUN, Witnessed
from sampler.journal.lines import NOWHERE, Place, SealedLine, read_sealed
from sampler.journal.segments import JOURNAL, Line, closed_name
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES

FAULTS_MAX_COUNT: Final = 100


@dataclass(slots=True)
class Holding:
    """What one file of the journal holds."""

    file: str
    first: int = 0
    """The number of its first entry; 0 while there is none."""
    last: Place = NOWHERE
    kinds: Counter[str] = field(default_factory=Counter)
    """How many entries of each kind."""
    ended: Witnessed = UNBEGUN
    """The journal's own time at its last entry."""
    pruned: Place = NOWHERE
    """Up to which entry files had been removed for their age by then."""

    def take(self, place: Place, kind: str, ended: Witnessed) -> None:
        """Count one more entry at its end."""
        self.first = self.first or place.number
        self.last, self.ended = place, ended
        self.kinds[kind] += 1


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole journal looked at."""

    last: Place
    """Where the chain ends."""
    sound: Place
    """The last entry up to which nothing is wrong with the chain."""
    faults: tuple[str, ...]
    holdings: tuple[Holding, ...]
    """By file, oldest first; one without entries has none."""
    pruned_to: int
    """The number of the last entry that was removed for its age; 0: none."""
    torn: bytes = b""
    """What follows the last line of the written file and was never acknowledged."""
    begins: Place | None = None
    """What the first line says lies before it, where that is something."""
    explained: bool = False
    """Whether the first line itself says why."""

    @property
    def witnessed(self) -> Witnessed:
        """The journal's own time."""
        return self.holdings[-1].ended if self.holdings else UNBEGUN


@dataclass(slots=True)
class Surveyor:
    """Is shown every line in turn.

    Args:
        noted: an entry that was durable once, or none; others may follow it, none may be missing before it.
        faults: what is wrong already.
    """

    noted: Place
    faults: list[str]
    last: Place = NOWHERE
    sound: Place = NOWHERE
    torn: Line | None = None
    holdings: list[Holding] = field(default_factory=list)
    pruned: Place = NOWHERE
    begins: Place | None = None
    """What the first line says lies before it, where that is something."""
    explained: bool = False
    """Whether the first line itself says why."""

    @property
    def is_enough(self) -> bool:
        """Whether more faults than these are read by nobody."""
        return len(self.faults) >= FAULTS_MAX_COUNT

    def see(self, line: Line) -> None:
        """Look at the next line."""
        if self.torn is not None:
            self._cannot_read(self.torn, "cut off, and something follows it")
            self.torn = None
        if line.file == JOURNAL and is_torn(line.data):
            self.torn = line
            return
        try:
            sealed = read_sealed(line.data)
            self._follow(line, sealed)
        except ValueError as error:
            self._cannot_read(line, "cut off" if is_unfinished(line.data) else str(error))

    @classmethod
    def after(cls, noted: Place, faults: list[str], before: Survey) -> Surveyor:
        """One that goes on behind files that were looked at before and found sound."""
        holdings = [replace(each, kinds=Counter(each.kinds)) for each in before.holdings]
        going = cls(noted, faults, before.last, before.sound, holdings=holdings)
        going.pruned, going.begins, going.explained = holdings[-1].pruned, before.begins, before.explained
        if noted.number == before.last.number and noted.digest != before.last.digest:
            going._fault(f"{holdings[-1].file}: its last is not the entry {noted.number} that was written")
        return going

    def survey(self) -> Survey:
        """What there is to say after the last line."""
        if self.begins is not None and not self._is_explained(self.begins):
            self.faults.insert(0, f"the beginning: entries 1 to {self.begins.number} are missing")
        if self.last.number < self.noted.number:
            cut = f"; {self.torn.where}: cut off" if self.torn else ""
            self._fault(f"the end: entries {self.last.number + 1} to {self.noted.number} are missing{cut}")
        return Survey(
            last=self.last,
            sound=self.sound,
            faults=tuple(self.faults[:FAULTS_MAX_COUNT]),
            holdings=tuple(self.holdings),
            pruned_to=self.pruned.number,
            torn=b"" if self.torn is None else self.torn.data,
            begins=self.begins,
            explained=self.explained,
        )

    def _follow(self, line: Line, sealed: SealedLine) -> None:
        place, before = sealed.place, self.last
        if not self.holdings:
            before = self._begin(sealed)
        if self._is_misnamed(line, place.number):
            self._fault(f"{line.where}: begins with entry {place.number}, which is not what its name says")
        if place.number != before.number + 1:
            self._fault(f"{line.where}: entry {place.number} follows entry {before.number}")
        elif before.digest and sealed.body.previous != before.digest:
            self._fault(f"{line.where}: does not continue the line before it")
        if place.number == self.noted.number and place.digest != self.noted.digest:
            self._fault(f"{line.where}: is not the entry {place.number} that was written")
        if sealed.body.kind == "pruned":
            self.pruned = _place_in(sealed.document(), "last", "digest")
        self.last = place
        self._hold(line, sealed.body.kind, sealed)
        if not self.faults:
            self.sound = place

    def _begin(self, sealed: SealedLine) -> Place:
        """What the first line continues; whether it may is known at the end."""
        before = Place(sealed.body.number - 1, sealed.body.previous)
        if before.number < 1:
            return NOWHERE
        self.begins = before
        if sealed.body.kind == "repaired":
            self.explained = _place_in(sealed.document(), "sound", "sound_digest") == before
        return before

    def _is_explained(self, before: Place) -> bool:
        """Removing goes from the oldest on: where a crash ended it, less than was announced is gone."""
        return self.explained or self.pruned == before or before.number < self.pruned.number

    def _is_misnamed(self, line: Line, first: int) -> bool:
        begins = not self.holdings or self.holdings[-1].file != line.file
        return begins and line.file not in (JOURNAL, closed_name(first))

    def _cannot_read(self, line: Line, why: str) -> None:
        self._fault(f"{line.where}: {why}")
        self.last = Place(self.last.number + 1, "")
        self._hold(line, "unreadable")

    def _hold(self, line: Line, kind: str, sealed: SealedLine | None = None) -> None:
        before = self.holdings[-1].ended if self.holdings else UNBEGUN
        if not self.holdings or self.holdings[-1].file != line.file:
            self.holdings.append(Holding(line.file))
        ended = before if sealed is None else before.at(sealed.body.at)
        self.holdings[-1].take(self.last, kind, ended)
        self.holdings[-1].pruned = self.pruned

    def _fault(self, text: str) -> None:
        self.faults.append(text)


def is_unfinished(data: bytes) -> bool:
    """Whether a line has no end: it is being written, or a crash cut it off."""
    return not data.endswith(b"\n") and len(data) <= JOURNAL_ENTRY_MAX_BYTES


def is_torn(data: bytes) -> bool:
    """Whether a crash may have cut it off: it has no end, or blocks of it never reached the disk and are zeros."""
    return is_unfinished(data) or b"\0" in data


def _place_in(document: Mapping[str, Any], number: str, digest: str) -> Place:
    """A place that an entry names; none where it names none."""
    named, digested = document.get(number), document.get(digest)
    if isinstance(named, int) and isinstance(digested, str):
        return Place(named, digested)
    return NOWHERE
