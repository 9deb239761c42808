"""What extraction yields, and the collector that keeps regions inside the object and counts under their ceilings."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Final, TypeAlias

from sampler.limits import FIELDS_MAX_COUNT, REGIONS_MAX_COUNT, TEXT_MAX_CHARACTERS
from sampler.model import Field, FieldValue, PartKind, Problem, Region

Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
"""An object's bytes: read by slices, never copied whole."""

_PROBLEMS_MAX_COUNT: Final = 62
"""Kept of extraction, beside two that count what was not kept; the other stages need room for theirs."""
_FIELDS_MAX_COUNT: Final = FIELDS_MAX_COUNT // 4


@dataclass(frozen=True, slots=True)
class Extraction:
    """The structure of one object. Every region lies inside it and is at least one byte long."""

    regions: tuple[Region, ...] = ()
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()


class Survey:
    """Collects the regions, fields and problems of one object of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._regions: list[Region] = []
        self._fields: list[Field] = []
        self._problems: list[Problem] = []
        self._unnamed_problems = 0
        self._lost_regions = 0

    def add_region(self, kind: PartKind, name: str, offset: int, length: int) -> None:
        """Keep a region as far as it lies inside the object; a range that does not is also noted as a problem."""
        if length <= 0 or offset < 0:
            return
        inside = min(length, self.size - offset)
        if inside < length:
            self.add_problem(
                "range-outside", f"{kind} {name!r}: {length} bytes at {offset} of an object of {self.size}"
            )
        if inside <= 0:
            return
        if len(self._regions) < REGIONS_MAX_COUNT:
            self._regions.append(Region(kind, name, offset, inside))
        else:
            self._lost_regions += 1

    def add_field(self, name: str, value: FieldValue) -> None:
        """Keep a fact; an empty text or list says nothing and is left out."""
        if value not in ("", ()) and len(self._fields) < _FIELDS_MAX_COUNT:
            self._fields.append(Field(name, value))

    def add_problem(self, code: str, detail: str) -> None:
        """Note what could not be done; past the ceiling problems are only counted."""
        if len(self._problems) < _PROBLEMS_MAX_COUNT:
            self._problems.append(Problem("extract", code, detail[:TEXT_MAX_CHARACTERS]))
        else:
            self._unnamed_problems += 1

    def result(self) -> Extraction:
        """Everything that was collected."""
        problems = list(self._problems)
        if self._lost_regions:
            detail = f"only the first {REGIONS_MAX_COUNT} are kept, {self._lost_regions} are not"
            problems.append(Problem("extract", "too-many-regions", detail))
        if self._unnamed_problems:
            problems.append(Problem("extract", "more-problems", f"{self._unnamed_problems} further ones"))
        return Extraction(tuple(self._regions), tuple(self._fields), tuple(problems))
