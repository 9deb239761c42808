"""What people read of statistics: on the host what leaves and what stays, at the queue numbers and no hosts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from sampler.cli import queue_stats
from sampler.cli import statistics as host_statistics
from sampler.cli.main import main
from sampler.model.statistics import Table
from sampler.wire.codec import decode
from sampler.wire.statistics_messages import (
    LocalCount,
    LocalDay,
    StatisticsCell,
    StatisticsDay,
    StatisticsPage,
    StatisticsPreview,
)

DAY = date(2026, 11, 24)
OBJECTS = LocalCount(table=Table.OBJECTS, label="all", value=7)
RULES = LocalCount(table=Table.BY_RULE, label="EICAR_Test_File", value=2)
VIEW = StatisticsPreview(
    threshold=20,
    days=(
        LocalDay(day=DAY, state="counting", stays=(OBJECTS,), rule="S5 day-not-over", detail="the day is not over"),
        LocalDay(day=date(2026, 11, 23), state="sent", counts=(OBJECTS,), stays=(RULES,), sketches=(Table.DISTINCT,)),
    ),
)
PAGE = StatisticsPage(
    days=(
        StatisticsDay(day=DAY, cells=(StatisticsCell(table=Table.OBJECTS, label="all", value=40, threshold=20),)),
        StatisticsDay(day=date(2026, 11, 25)),
    )
)


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run ``sampler statistics preview`` over an agent that answers ``VIEW``."""

    async def answer(_socket: Any) -> StatisticsPreview:
        return VIEW

    monkeypatch.setattr(host_statistics, "_ask", answer)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["statistics", "preview", "--socket", "/s", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_a_day_says_what_leaves_and_what_stays(on_host: Callable[..., str]) -> None:
    """With the rule that keeps it, and for a day that was sent what left."""
    present, _, before = on_host().partition("2026-11-23 sent")
    assert "fewer than 20 hosts" in present
    assert "2026-11-24 counting; S5 day-not-over: the day is not over" in present
    assert "LEAVES" not in present
    assert before.index("LEFT") < before.index("distinct_objects") < before.index("STAYS HERE")
    assert "EICAR_Test_File  2" in before


@pytest.mark.parametrize(
    ("state", "heading"),
    [("counted", "LEAVES"), ("offered", "MAY HAVE LEFT"), ("refused", "MAY HAVE LEFT"), ("sent", "LEFT")],
)
def test_only_what_the_queue_confirmed_is_said_to_have_left(
    on_host: Callable[..., str], monkeypatch: pytest.MonkeyPatch, state: str, heading: str
) -> None:
    """A day that was offered and then withdrawn may have arrived or not."""

    async def answer(_socket: Any) -> StatisticsPreview:
        return StatisticsPreview(days=(LocalDay(day=DAY, state=state, counts=(OBJECTS,)),))

    monkeypatch.setattr(host_statistics, "_ask", answer)
    assert f"\n{heading}\n" in on_host()


def test_the_preview_as_json(on_host: Callable[..., str]) -> None:
    """One document with everything in it."""
    assert decode(on_host("--json").encode(), StatisticsPreview) == VIEW


@pytest.fixture
def at_queue(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, list[tuple[date | None, date | None]]]]:
    """Run ``sampler queue stats`` over a queue that answers ``PAGE``; what it printed and what it asked for."""
    asked: list[tuple[date | None, date | None]] = []

    class Client:
        def statistics(self, since: date | None, until: date | None) -> StatisticsPage:
            asked.append((since, until))
            return PAGE

    monkeypatch.setattr(queue_stats, "with_client", lambda _config, ask: ask(Client()))

    def run(*arguments: str) -> tuple[str, list[tuple[date | None, date | None]]]:
        done = CliRunner().invoke(main, ["queue", "stats", *arguments])
        assert done.exit_code == 0, done.output
        return done.output, asked

    return run


def test_numbers_of_closed_days(at_queue: Callable[..., Any]) -> None:
    """Each says that it is about so much, and of how many hosts at least; a day of which nothing is shown says so."""
    printed, asked = at_queue()
    assert "about 40" in printed
    assert "nothing that enough hosts are in" in printed
    assert asked == [(None, None)]


def test_one_day_or_those_since(at_queue: Callable[..., Any]) -> None:
    """--day is one day, --since leaves the end open, and both are too much."""
    assert at_queue("--day", "2026-11-24")[1][-1] == (DAY, DAY)
    assert at_queue("--since", "2026-11-24")[1][-1] == (DAY, None)
    both = CliRunner().invoke(main, ["queue", "stats", "--day", "2026-11-24", "--since", "2026-11-24"])
    assert both.exit_code == 2
    assert "not both" in both.output


def test_numbers_as_json(at_queue: Callable[..., Any]) -> None:
    """A day a line."""
    lines = at_queue("--json")[0].splitlines()
    assert [decode(line.encode(), StatisticsDay) for line in lines] == list(PAGE.days)
