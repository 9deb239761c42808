"""The journal summed up for a page: volume by time, scope and reason, and the newest objects one by one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sampler.cli.history_facts import (
    contents_of,
    fields_of,
    gist_of,
    name_of,
    object_of,
    reason_of,
    scopes_of,
    statement_text,
)
from sampler.journal import JournalEntry
from sampler.limits import HISTORY_PAGE_ROWS_MAX_COUNT

_DAYS_SHOWN_MAX: Final = 120
_WEEKS_SHOWN_MAX: Final = 160
_LATER: Final = frozenset({"delivered", "verdict", "receipt", "recall_asked", "recall_confirmed"})


@dataclass(slots=True)
class LeftObject:
    """One object that left, as its entries say."""

    event_id: str
    left: datetime | None = None
    """UTC; ``None`` while its offer was not seen."""
    name: str = ""
    """As it left."""
    sha256: str = ""
    size: int = 0
    scopes: frozenset[str] = frozenset()
    reason: str = ""
    statement: str = ""
    fields: int = 0
    contents: int = 0
    sent_bytes: int = 0
    """Content bytes that travelled."""
    outcome: str = ""
    verdict: str = ""
    receipt: str = ""
    recalled: str = ""


@dataclass(slots=True)
class Sums:
    """What a journal says as a whole, in memory that does not grow with it."""

    rows_max_count: int = HISTORY_PAGE_ROWS_MAX_COUNT
    objects: Counter[date] = field(default_factory=Counter)
    """That left, by the day of their offer, UTC."""
    sent_bytes: Counter[date] = field(default_factory=Counter)
    """Of contents, by the day on which their delivery ended."""
    scopes: Counter[str] = field(default_factory=Counter)
    """Objects that left under each."""
    reasons: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    rows: list[LeftObject] = field(default_factory=list)
    """The newest objects, newest first."""
    _open: dict[str, LeftObject] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[JournalEntry]) -> Sums:
        """All entries, newest first."""
        sums = cls()
        for entry in entries:
            sums.add(entry)
        return sums

    def add(self, entry: JournalEntry) -> None:
        """The next entry, going back in time."""
        self.kinds[entry.kind] += 1
        if entry.kind == "delivered":
            self.sent_bytes[entry.at.date()] += _number(entry.document.get("sent_bytes"))
        if entry.kind in _LATER and len(self.rows) < self.rows_max_count:
            _tell(self._open.setdefault(entry.event_id, LeftObject(entry.event_id)), entry)
        if entry.kind == "offered":
            self._offered(entry)

    def _offered(self, entry: JournalEntry) -> None:
        row = self._open.pop(entry.event_id, None) or LeftObject(entry.event_id)
        if self.rows and self.rows[-1].event_id == entry.event_id:
            return  # a crash right after an offer makes a second entry that says the same
        self.objects[entry.at.date()] += 1
        self.scopes.update(scopes_of(entry.document))
        self.reasons[reason_of(entry.document) or "not said"] += 1
        if len(self.rows) < self.rows_max_count:
            self.rows.append(_described(row, entry))


def buckets(counts: Mapping[date, int]) -> tuple[str, list[tuple[str, int]]]:
    """Counts by day, or where these are too many by week or month, without gaps; what the steps are, and each."""
    if not counts:
        return "day", []
    days = (max(counts) - min(counts)).days + 1
    if days <= _DAYS_SHOWN_MAX:
        return "day", _filled(counts, min(counts), max(counts), 1)
    if days <= 7 * _WEEKS_SHOWN_MAX:
        weeks: Counter[date] = Counter()
        for day, count in counts.items():
            weeks[day - timedelta(days=day.weekday())] += count
        return "week", _filled(weeks, min(weeks), max(weeks), 7)
    months: Counter[str] = Counter()
    for day, count in sorted(counts.items()):
        months[f"{day:%Y-%m}"] += count
    return "month", list(months.items())


def _filled(counts: Mapping[date, int], first: date, last: date, step: int) -> list[tuple[str, int]]:
    starts = (first + timedelta(days=number) for number in range(0, (last - first).days + 1, step))
    return [(start.isoformat(), counts.get(start, 0)) for start in starts]


def _tell(row: LeftObject, entry: JournalEntry) -> None:
    document = entry.document
    if entry.kind == "delivered":
        row.outcome = row.outcome or str(document.get("state", ""))
        row.sent_bytes += _number(document.get("sent_bytes"))
    elif entry.kind == "verdict":
        row.verdict = row.verdict or gist_of(entry)
    elif entry.kind == "receipt":
        row.receipt = f"position {document.get('position')}"
    else:
        row.recalled = row.recalled or ("confirmed" if entry.kind == "recall_confirmed" else "asked")


def _described(row: LeftObject, entry: JournalEntry) -> LeftObject:
    document = entry.document
    manifest: Mapping[str, Any] = document.get("manifest") or {}
    row.left = entry.at
    row.name, row.scopes, row.reason = name_of(document), scopes_of(document), reason_of(document)
    row.sha256, row.size = str(object_of(document).get("sha256", "")), _number(object_of(document).get("size"))
    row.statement = statement_text(manifest)
    row.fields, row.contents = len(fields_of(document)), len(contents_of(document))
    return row


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
