"""From the records of flagged objects to counters without identifiers, and to sketches of distinct objects. Pure.

A rule or a rule set that is not one of those that everybody has is counted as ``local``: its name could tell whose
host this is. Only objects whose SHA-256 the queue was told already are put into a sketch, so that what a sketch can be
asked tells it nothing new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from sampler.limits import STATISTICS_CELLS_MAX_COUNT, STATISTICS_SKETCHES_MAX_COUNT, STATISTICS_VALUE_MAX
from sampler.model import ObjectRecord, ObjectState
from sampler.model.statistics import ALL, LOCAL, UNKNOWN, Count, Table, Tally, size_label
from sampler.scan import RuleSettings
from sampler.scan.source import OutlineError, outline
from sampler.wire.sketches import Sketch

Sketches: TypeAlias = dict[tuple[Table, str], Sketch]
_TOLD: Final = frozenset({ObjectState.DELIVERED, ObjectState.DUPLICATE})
_ORDER: Final = list(Table)


@dataclass(frozen=True, slots=True)
class Published:
    """The rules that everybody has."""

    names: frozenset[str]
    version: str
    """Of the rule set that has them and no others."""

    @classmethod
    def of(cls, settings: RuleSettings) -> Published:
        """Those of the places that ship. Blocking.

        Raises:
            RulesError: a place is missing.
        """
        collected = settings.collect()
        names = (name for text in collected.texts.values() for name in _names_in(text.text))
        return cls(frozenset(names), collected.version)

    def rules_of(self, record: ObjectRecord) -> frozenset[str]:
        """The labels of the rules that matched an object."""
        return frozenset(rule if rule in self.names else LOCAL for rule, _ in record.matches)

    def ruleset_of(self, record: ObjectRecord) -> str:
        """The label of the rule set that an object was scanned with."""
        if not record.ruleset_version:
            return UNKNOWN
        return self.version if record.ruleset_version == self.version else LOCAL


def tally(day: date, records: Iterable[ObjectRecord], published: Published) -> Tally:
    """What a day's objects sum to; of more cells than are kept, the largest."""
    sums: Counter[tuple[Table, str]] = Counter()
    first: datetime | None = None
    for record in records:
        sums.update(_cells_of(record, published))
        first = min(first or record.created, record.created)
    most = sums.most_common(STATISTICS_CELLS_MAX_COUNT)
    counts = [Count(table, label, min(value, STATISTICS_VALUE_MAX)) for (table, label), value in most]
    return Tally(day, tuple(sorted(counts, key=lambda count: (_ORDER.index(count.table), count.label))), first)


def sketcher(
    key: bytes, tables: frozenset[Table], published: Published
) -> Callable[[Iterable[ObjectRecord]], Sketches]:
    """What makes the sketches of some tables from a day's objects; of more than are kept, those of the first labels."""

    def sketch(records: Iterable[ObjectRecord]) -> Sketches:
        found: Sketches = {}
        for record in records:
            for cell in _sketches_of(record, tables, published):
                found.setdefault(cell, Sketch()).add(key, bytes.fromhex(record.sha256 or ""))
        kept = sorted(found, key=lambda cell: (_ORDER.index(cell[0]), cell[1]))[:STATISTICS_SKETCHES_MAX_COUNT]
        return {cell: found[cell] for cell in kept}

    return sketch


def _names_in(source: str) -> Iterator[str]:
    try:
        yield from (rule.name for rule in outline(source).rules)
    except OutlineError:  # what is not laid out like rules is none, and has no names
        return


def _cells_of(record: ObjectRecord, published: Published) -> Iterator[tuple[Table, str]]:
    yield Table.OBJECTS, ALL
    yield from ((Table.BY_RULE, rule) for rule in published.rules_of(record))
    yield Table.BY_RULESET, published.ruleset_of(record)
    yield Table.BY_KIND, UNKNOWN if record.kind is None else record.kind.value
    yield Table.BY_REASON, record.reason.value
    yield Table.BY_STATE, record.state.value
    yield Table.BY_SAMPLING, record.sampling.value
    yield Table.BY_SIZE, size_label(record.size)


def _sketches_of(record: ObjectRecord, tables: frozenset[Table], published: Published) -> Iterator[tuple[Table, str]]:
    if record.sha256 is None or record.state not in _TOLD:
        return
    if Table.DISTINCT in tables:
        yield Table.DISTINCT, ALL
    if Table.DISTINCT_BY_RULE in tables:
        yield from ((Table.DISTINCT_BY_RULE, rule) for rule in published.rules_of(record) - {LOCAL})
