"""What extraction yields, and the collector that keeps regions inside the object and counts under their ceilings."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sampler.extract.budget import Budget
from sampler.extract.naming import shortened
from sampler.limits import (
    FIELDS_MAX_COUNT,
    PART_NAME_MAX_CHARACTERS,
    RECIPE_STEPS_MAX_COUNT,
    REGIONS_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
    UNPACK_DEPTH_MAX_COUNT,
)
from sampler.model import ContentKind, Field, FieldValue, PartKind, Problem, Region

Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
"""An object's bytes: read by slices, never copied whole."""

_PROBLEMS_MAX_COUNT: Final = 62
"""Kept of extraction, beside two that count what was not kept; the other stages need room for theirs."""
_FIELDS_MAX_COUNT: Final = FIELDS_MAX_COUNT // 4
_WORTH_CUTTING: Final = frozenset({
    PartKind.ATTACHMENT, PartKind.BLOB, PartKind.MACRO, PartKind.MEMBER, PartKind.OBJECT, PartKind.OVERLAY,
    PartKind.SCRIPT, PartKind.SLICE,
})  # fmt: skip
"""Stretches of an object inside another that are parts of the whole of their own."""


Reader: TypeAlias = "Callable[[Data, Survey], bool]"
"""Adds what an object holds to its survey; ``False`` where it is none of the formats that this reader knows."""

Recogniser: TypeAlias = Callable[[Data], ContentKind | None]
"""Tells what bytes are by themselves; ``None`` where nobody is asked."""

_PROGRAM_TEXT: Final = frozenset({PartKind.MACRO, PartKind.SCRIPT})
"""What a format runs as a program, whatever it looks like."""
_OWN_TEXT: Final = frozenset({PartKind.MEMBER, PartKind.STREAM})
"""What documents consist of; a letter about programs can look like one."""


def _read_nothing(_content: Data, _survey: Survey) -> bool:
    return False


def _recognise_nothing(_content: Data) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Extraction:
    """The structure of one object. Every region lies inside it and is at least one byte long."""

    regions: tuple[Region, ...] = ()
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()


class Survey:
    """Collects the regions, fields and problems of one object of ``size`` bytes, or of one that lies inside another.

    What lies inside another has no offsets in the whole: its stretches of the kinds in ``_WORTH_CUTTING`` become
    derived bytes, the others are dropped; it has no fields, and its problems carry its name.
    """

    def __init__(
        self,
        size: int,
        budget: Budget | None = None,
        reader: Reader = _read_nothing,
        recogniser: Recogniser = _recognise_nothing,
    ) -> None:
        """Begin with nothing.

        Args:
            size: of the object, in bytes.
            budget: what may be unpacked; a whole one unless given.
            reader: surveys what lies inside, whatever format it has.
            recogniser: tells what it is by itself.
        """
        self.size = size
        self.budget = budget or Budget()
        self._reader = reader
        self._recogniser = recogniser
        self.kind: ContentKind | None = None
        """What this object is by itself, where somebody told."""
        self.recipe: tuple[str, ...] = ()
        """How this object is made from the whole; empty for the whole itself."""
        self.name = ""
        """Where this object lies in the whole (``inner.zip/report.doc``); empty for the whole itself."""
        self._kept = _Kept()

    def open_inside(self, name: str, step: str, content: Data, kind: ContentKind | None = None) -> bool:
        """Have what ``step`` makes of this object surveyed as an object of its own; whether any reader knew it.

        ``kind`` is what it is by itself, where that is known already.
        """
        if self.depth >= UNPACK_DEPTH_MAX_COUNT:
            self.add_problem("too-deep", f"{name!r}: containers are opened {UNPACK_DEPTH_MAX_COUNT} deep")
            return False
        survey = Survey(len(content), self.budget, self._reader, self._recogniser)
        survey.kind = kind or self._recogniser(content)
        survey.recipe = (*self.recipe, step)
        survey.name = self._called(name)
        survey._kept = self._kept
        return self._reader(content, survey)

    def add_content(
        self, kind: PartKind, name: str, step: str, content: Data, *, own: ContentKind | None = None
    ) -> None:
        """Keep what ``step`` makes of this object as derived bytes, and what lies inside of it as well.

        ``own`` is what it is by itself, where its place in the format tells that better than a look at it.
        """
        recognised = own or self.recognised(kind, content)
        self.add_derived(kind, name, step, len(content), recognised)
        self.open_inside(name, step, content, recognised)

    def recognised(self, kind: PartKind, content: Data) -> ContentKind | None:
        """What a part of this object is by itself; ``None`` where nobody is asked."""
        if kind in _PROGRAM_TEXT:
            return ContentKind.SCRIPT
        found = self._recogniser(content)
        is_own_text = found is ContentKind.SCRIPT and kind in _OWN_TEXT and self.kind is ContentKind.DOCUMENT
        return ContentKind.DOCUMENT if is_own_text else found

    @property
    def depth(self) -> int:
        """How many containers lie around this object."""
        return len(self.recipe)

    def add_region(self, kind: PartKind, name: str, offset: int, length: int, own: ContentKind | None = None) -> None:
        """Keep a region as far as it lies inside the object; a range that does not is also noted as a problem.

        ``own`` is what a file that lies there is by itself.
        """
        if length <= 0 or offset < 0:
            return
        inside = min(length, self.size - offset)
        if inside < length:
            self.add_problem(
                "range-outside", f"{kind} {name!r}: {length} bytes at {offset} of an object of {self.size}"
            )
        if inside <= 0:
            return
        if not self.recipe:
            self._kept.add(Region(kind, name, offset, inside, content=own))
        elif kind in _WORTH_CUTTING:
            self.add_derived(kind, name, f"range:{offset}+{inside}", inside, own)

    def add_derived(self, kind: PartKind, name: str, step: str, length: int, own: ContentKind | None = None) -> None:
        """Keep ``length`` bytes that ``step`` makes of this object; nothing where there are none.

        What is no file of its own is of the kind of the object that it comes from; the whole need not say it.
        """
        recipe = (*self.recipe, step)
        if length <= 0:
            return
        if len(recipe) > RECIPE_STEPS_MAX_COUNT or len(step) > PART_NAME_MAX_CHARACTERS:
            self.add_problem("too-deep", f"{kind} {name!r}: its recipe is longer than a manifest carries")
            return
        self._kept.add(Region(kind, self._called(name), 0, length, recipe, own or (self.kind if self.recipe else None)))

    def add_field(self, name: str, value: FieldValue) -> None:
        """Keep a fact of the whole; an empty text or list says nothing and is left out."""
        if not self.recipe and value not in ("", ()) and len(self._kept.fields) < _FIELDS_MAX_COUNT:
            self._kept.fields.append(Field(name, value))

    def add_problem(self, code: str, detail: str) -> None:
        """Note what could not be done; past the ceiling problems are only counted."""
        self._kept.add_problem(code, f"{self.name}: {detail}" if self.name else detail)

    def result(self) -> Extraction:
        """Everything that was collected, here and inside."""
        return self._kept.result()

    def _called(self, name: str) -> str:
        return shortened(f"{self.name}/{name}" if self.name and name else self.name or name)


class _Kept:
    """What the surveys of one object collect together."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self._regions: list[Region] = []
        self._problems: list[Problem] = []
        self._unnamed_problems = 0
        self._lost_regions = 0

    def add(self, region: Region) -> None:
        if len(self._regions) < REGIONS_MAX_COUNT:
            self._regions.append(region)
        else:
            self._lost_regions += 1

    def add_problem(self, code: str, detail: str) -> None:
        if len(self._problems) < _PROBLEMS_MAX_COUNT:
            self._problems.append(Problem("extract", code, detail[:TEXT_MAX_CHARACTERS]))
        else:
            self._unnamed_problems += 1

    def result(self) -> Extraction:
        problems = list(self._problems)
        if self._lost_regions:
            detail = f"only the first {REGIONS_MAX_COUNT} are kept, {self._lost_regions} are not"
            problems.append(Problem("extract", "too-many-regions", detail))
        if self._unnamed_problems:
            problems.append(Problem("extract", "more-problems", f"{self._unnamed_problems} further ones"))
        return Extraction(tuple(self._regions), tuple(self.fields), tuple(problems))
