"""Counters without identifiers: which there are, what one day of a host sums to, and what of it may leave.

A label is one of a closed set, the name of a rule that everybody has, or the version of a rule set that everybody has:
no name of a file, path, host, user or of a rule of this host's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from sampler.limits import (
    OBJECT_MAX_BYTES,
    STATISTICS_CELLS_MAX_COUNT,
    STATISTICS_LABEL_MAX_CHARACTERS,
    STATISTICS_VALUE_MAX,
)
from sampler.model.candidate import Reason
from sampler.model.examination import ContentKind
from sampler.model.parcel import StatementRef
from sampler.model.states import ObjectState, Sampling

ALL: Final = "all"
"""The one label of a table that has no other."""
LOCAL: Final = "local"
"""Stands for every rule and rule set of the host's own."""
UNKNOWN: Final = "unknown"
"""Of an object that was never examined."""
_NAME: Final = re.compile(r"[A-Za-z0-9_:-]+")


class Table(StrEnum):
    """What is counted; the value is the name that a statement lists."""

    OBJECTS = "sampler.statistics.objects"
    """Flagged objects that came to an end."""
    BY_RULE = "sampler.statistics.objects_by_rule"
    """An object counts once with each rule that matched it."""
    BY_RULESET = "sampler.statistics.objects_by_ruleset"
    BY_KIND = "sampler.statistics.objects_by_kind"
    BY_REASON = "sampler.statistics.objects_by_reason"
    BY_STATE = "sampler.statistics.objects_by_state"
    BY_SAMPLING = "sampler.statistics.objects_by_sampling"
    BY_SIZE = "sampler.statistics.objects_by_size"
    """By the largest power of two that is not larger than the size in bytes; 0 for an empty object."""
    DISTINCT = "sampler.statistics.distinct_objects"
    """Estimated from sketches, of objects whose SHA-256 the queue was told already."""
    DISTINCT_BY_RULE = "sampler.statistics.distinct_objects_by_rule"

    @property
    def is_distinct(self) -> bool:
        """Whether it is filled by sketches instead of sums."""
        return self in (Table.DISTINCT, Table.DISTINCT_BY_RULE)

    @property
    def is_partition(self) -> bool:
        """Whether each object is in exactly one of its cells, so that they add up to ``OBJECTS``."""
        return not self.is_distinct and self not in (Table.OBJECTS, Table.BY_RULE)


_LABELS: Final[Mapping[Table, frozenset[str]]] = {
    Table.OBJECTS: frozenset({ALL}),
    Table.DISTINCT: frozenset({ALL}),
    Table.BY_KIND: frozenset({*ContentKind, UNKNOWN}),
    Table.BY_REASON: frozenset(Reason),
    Table.BY_STATE: frozenset(ObjectState),
    Table.BY_SAMPLING: frozenset(Sampling),
    Table.BY_SIZE: frozenset({UNKNOWN, "0", *(str(1 << bits) for bits in range(OBJECT_MAX_BYTES.bit_length()))}),
}
"""Those of the tables that are not about rules."""


@dataclass(frozen=True, slots=True)
class Count:
    """One cell of one host's day."""

    table: Table
    label: str
    value: int

    def __post_init__(self) -> None:
        check_label(self.table, self.label)
        if not 1 <= self.value <= STATISTICS_VALUE_MAX:
            raise ValueError(f"a count is 1 to {STATISTICS_VALUE_MAX}, not {self.value}")


@dataclass(frozen=True, slots=True)
class Tally:
    """One day's counters of one host."""

    day: date
    """UTC."""
    counts: tuple[Count, ...] = ()
    """In the order of tables and labels; what is 0 is not there."""
    first: datetime | None = None
    """When the first of its objects was flagged, which can be long before the day: an object counts when it ended."""

    def __post_init__(self) -> None:
        if len(self.counts) > STATISTICS_CELLS_MAX_COUNT:
            raise ValueError(f"{len(self.counts)} counters, at most {STATISTICS_CELLS_MAX_COUNT} are kept of a day")


class DayState(StrEnum):
    """Where one day's counters are on the host."""

    COUNTED = "counted"
    """They stand, and wait for their time."""
    OFFERED = "offered"
    """They are in the journal, and on their way."""
    SENT = "sent"
    """The queue has them."""
    REFUSED = "refused"
    """They stay here; the rule says why."""


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day on the host: its counters, and what became of them."""

    report_id: str
    """Random, for this day and host only."""
    tally: Tally
    state: DayState = DayState.COUNTED
    detail: str = ""
    report: bytes = b""
    """Exactly what is sent, from the moment that it is offered."""


_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class StatisticsRelease:
    """What of a day may leave. Only ``permit`` makes one, as with parcels."""

    day: date
    statement: StatementRef
    threshold: int
    """So many hosts at least have to be in a number before anybody sees it."""
    counts: tuple[Count, ...]
    sketches: frozenset[Table]
    """The tables of distinct objects that may leave."""
    reasons: tuple[tuple[str, str], ...]
    """Each table, and the line of the statement that let it through."""
    left_out: tuple[str, ...]
    """Tables that the statement does not list."""
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("what may leave of statistics is decided by permit and by nothing else")
        object.__setattr__(self, "seal", None)


@dataclass(frozen=True, slots=True)
class StatisticsRefusal:
    """Nothing of a day leaves: the numbered rule, and the reason in words."""

    day: date
    rule: str
    detail: str


_sealers: Final[list[Callable[..., StatisticsRelease]]] = []


def claim_statistics_sealer() -> Callable[..., StatisticsRelease]:
    """The constructor of releases. The first caller gets it, and that is ``permit``, when it is imported.

    Raises:
        TypeError: it has been taken already.
    """
    if _sealers:
        raise TypeError("the sealer of statistics belongs to permit")

    def seal(**values: object) -> StatisticsRelease:
        return StatisticsRelease(**values, seal=_SEAL)  # type: ignore[arg-type]  # checked by the dataclass itself

    _sealers.append(seal)
    return seal


def check_label(table: Table, label: str) -> None:
    """Whether this can be a label of a table: one of its own, or the name or version that rules and rule sets have.

    Raises:
        ValueError: it cannot.
    """
    known = _LABELS.get(table)
    named = len(label) <= STATISTICS_LABEL_MAX_CHARACTERS and _NAME.fullmatch(label) is not None
    if not named or (known is not None and label not in known):
        raise ValueError(f"not a label of {table}: {label[:64]!r}")


def size_label(size: int | None) -> str:
    """The label of a size in bytes."""
    if size is None:
        return UNKNOWN
    return str(1 << (size.bit_length() - 1)) if size else "0"


def start_of(day: date) -> datetime:
    """Its first moment, UTC."""
    return datetime.combine(day, time.min, UTC)


def end_of(day: date) -> datetime:
    """The first moment of the day after, UTC."""
    return start_of(day) + timedelta(days=1)
