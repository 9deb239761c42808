"""Statistics on the wire: what a host reports of one day, what people read of all hosts, what its owner sees before."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

from msgspec import Meta

from sampler.limits import (
    STATISTICS_CELLS_MAX_COUNT,
    STATISTICS_LABEL_MAX_CHARACTERS,
    STATISTICS_PAGE_MAX_DAYS,
    STATISTICS_SKETCHES_MAX_COUNT,
    STATISTICS_THRESHOLD_MAX_COUNT,
    STATISTICS_THRESHOLD_MIN_COUNT,
    STATISTICS_VALUE_MAX,
)
from sampler.model.statistics import Table
from sampler.wire.messages import Id, Message, Text
from sampler.wire.sketches import KEY_BYTES, SKETCH_MAX_BYTES

Label: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_:-]+$(?!\n)", max_length=STATISTICS_LABEL_MAX_CHARACTERS),
]
Threshold: TypeAlias = Annotated[
    int,
    Meta(
        ge=STATISTICS_THRESHOLD_MIN_COUNT,
        le=STATISTICS_THRESHOLD_MAX_COUNT,
        description="hosts that a number has to be of before anybody sees it",
    ),
]


class CountMessage(Message, frozen=True, kw_only=True):
    """One counter of one host and day; what is 0 is not sent."""

    table: Table
    label: Label
    value: Annotated[int, Meta(ge=1, le=STATISTICS_VALUE_MAX)]


class SketchMessage(Message, frozen=True, kw_only=True):
    """The registers of one set of distinct objects (``wire.sketches``), base64."""

    table: Table
    label: Label
    registers: Annotated[bytes, Meta(min_length=1, max_length=SKETCH_MAX_BYTES)]


class StatisticsReport(Message, frozen=True, kw_only=True):
    """``POST /v1/statistics``: one day of one host. The same day again changes nothing."""

    id: Id
    """Random, made for this day and host; it is no identifier of the host."""
    day: date
    """UTC; it is over."""
    threshold: Threshold
    counts: Annotated[tuple[CountMessage, ...], Meta(max_length=STATISTICS_CELLS_MAX_COUNT)] = ()
    sketches: Annotated[tuple[SketchMessage, ...], Meta(max_length=STATISTICS_SKETCHES_MAX_COUNT)] = ()


class StatisticsAnswer(Message, frozen=True, kw_only=True):
    """Whether the report was added now, or had been before."""

    id: Id
    added: bool


class StatisticsKey(Message, frozen=True, kw_only=True):
    """``GET /v1/statistics/key?day=``: what hosts hash distinct objects with; destroyed when the day closes."""

    day: date
    key: Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]


class StatisticsCell(Message, frozen=True, kw_only=True):
    """One number about several hosts, rounded at random to a multiple of the threshold."""

    table: Table
    label: str
    value: int
    threshold: int


class StatisticsDay(Message, frozen=True, kw_only=True):
    """What is shown of one closed day; it never changes any more."""

    day: date
    cells: tuple[StatisticsCell, ...] = ()


class StatisticsPage(Message, frozen=True, kw_only=True):
    """``GET /v1/statistics``: closed days, oldest first."""

    days: Annotated[tuple[StatisticsDay, ...], Meta(max_length=STATISTICS_PAGE_MAX_DAYS)] = ()


class LocalCount(Message, frozen=True, kw_only=True):
    """One counter as its owner sees it."""

    table: Table
    label: str
    value: int


class LocalDay(Message, frozen=True, kw_only=True):
    """One day on this host: its counters, and what became or would become of them."""

    day: date
    state: str
    """``counting`` while the day lasts, then as ``model.statistics.DayState``."""
    counts: tuple[LocalCount, ...] = ()
    """Those that leave, or would."""
    stays: tuple[LocalCount, ...] = ()
    """Those that do not."""
    sketches: tuple[Table, ...] = ()
    """Tables of distinct objects that leave as sketches, once the queue's key of the day is there."""
    rule: str = ""
    """The numbered rule by which nothing leaves; empty: what ``counts`` says does."""
    detail: Text = ""


class StatisticsPreview(Message, frozen=True, kw_only=True):
    """``GET /v1/statistics`` of the agent's socket: the present day first, then those before."""

    days: tuple[LocalDay, ...] = ()
    threshold: int | None = None
    """Hosts, as the accepted statement says."""
