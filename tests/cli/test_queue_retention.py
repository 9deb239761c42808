"""What an administrator sees and does about retention."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sampler.cli import queue_report, queue_retention
from sampler.cli.main import main
from sampler.wire.codec import decode
from sampler.wire.retention_messages import (
    DueLine,
    DuePage,
    HoldKind,
    HoldPage,
    HoldRequest,
    HoldView,
    Part,
    RetentionStatus,
    RunAnswer,
    RunRequest,
)
from sampler.wire.rollup_messages import Dimension, RollupLine, RollupPage

AT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
ONE = "11111111-1111-4111-8111-111111111111"
LINE = DueLine(
    submission=ONE, part=Part.CONTENTS, received=AT, due=AT, why="the owner's statement", contents=2, bytes=20_480
)
HOLD = HoldView(id=ONE, kind=HoldKind.CONTENT, target="a" * 64, reason="case \x1b[1m7", placed_by="lea", placed=AT)
LIFTED = HoldView(
    id=ONE, kind=HoldKind.DEVICE, target=ONE, reason="r", placed_by="lea", placed=AT, lifted_by="max", lifted=AT
)
STATUS = RetentionStatus(
    contents_days=365.0,
    records_days=730.0,
    rules=("1. verdicts benign; contents_days 30.0",),
    since=AT,
    acts_from=AT,
    contents_due=1000,
    records_due=3,
    to_destroy=2,
    holds=1,
)


class Client:
    """A queue that answers what a test wants."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.runs = [RunAnswer(contents_of=2, destroyed=1, more=True), RunAnswer(records_of=1, failed=1)]

    async def retention(self) -> RetentionStatus:
        return STATUS

    async def retention_due(self, part: Part, at: datetime | None, after: str | None) -> DuePage:
        self.asked.append((part, at, after))
        if part is Part.RECORDS:
            return DuePage()
        return DuePage(lines=(LINE,) * 20, after="next") if after is None else DuePage(lines=(LINE,))

    async def run_retention(self, request: RunRequest) -> RunAnswer:
        self.asked.append(request)
        return self.runs.pop(0)

    async def holds(self, *, lifted: bool) -> HoldPage:
        return HoldPage(holds=(LIFTED, HOLD) if lifted else (HOLD,))

    async def place_hold(self, request: HoldRequest) -> HoldView:
        self.asked.append(request)
        return HOLD

    async def lift_hold(self, hold: str) -> HoldView:
        self.asked.append(hold)
        return LIFTED

    async def rollups(self, since: date | None, until: date | None, by: Dimension | None) -> RollupPage:
        self.asked.append((since, until, by))
        line = RollupLine(day=AT.date(), tenant="default", by=Dimension.RULE, label="A", objects=3, bytes=20_480)
        return RollupPage(lines=(line,), more=True)


Run = Callable[..., tuple[Result, Client]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``sampler queue …``; what came of it and what was asked."""

    def invoke(*arguments: str, answer: str = "") -> tuple[Result, Client]:
        client = Client()

        def with_client(_config: Any, ask: Callable[[Any], Any]) -> Any:
            return asyncio.run(ask(client))

        monkeypatch.setattr(queue_retention, "with_client", with_client)
        monkeypatch.setattr(queue_report, "with_client", with_client)
        done = CliRunner().invoke(main, ["queue", *arguments], input=answer, env={"COLUMNS": "80"})
        assert max(map(len, done.stdout.splitlines()), default=0) <= 80 or "--json" in arguments
        return done, client

    return invoke


def test_the_status_is_told_in_words(run: Run) -> None:
    """Times, rules, what is due, and since when."""
    done, _ = run("retention", "status")
    assert "365 days, or as long as their statement says" in done.output
    assert "rule 1. verdicts benign; contents_days 30.0" in done.output
    assert "contents of 1,000 submissions or more, records of 3 submissions" in done.output.replace("\n      ", " ")
    assert "2 contents" in done.output


def test_a_dry_run_destroys_nothing(run: Run) -> None:
    """It reads page after page, shows the first of it, and says how much it is in all."""
    done, client = run("retention", "run", "--dry-run", "--at", "2027-01-01")
    assert done.exit_code == 0, done.output
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert client.asked == [
        (Part.CONTENTS, later, None), (Part.CONTENTS, later, "next"), (Part.RECORDS, later, None),
    ]  # fmt: skip
    assert "contents of 21 submissions would be destroyed, with 420 KiB" in done.output
    assert "… and 1 more" in done.output
    assert "records of 0 submissions would be destroyed" in done.output


def test_a_dry_run_as_json_lists_all(run: Run) -> None:
    """One line a submission."""
    done, _ = run("retention", "run", "--dry-run", "--json")
    assert [decode(line.encode(), DueLine) for line in done.stdout.splitlines()] == [LINE] * 21


def test_it_asks_before_it_destroys(run: Run) -> None:
    """Without a yes nothing is asked of the queue."""
    done, client = run("retention", "run", answer="n\n")
    assert (done.exit_code, client.asked) == (1, [])
    done, client = run("retention", "run", "--at", "2027-01-01", "--yes")
    assert (done.exit_code, client.asked) == (2, [])


def test_it_runs_until_nothing_is_left(run: Run) -> None:
    """Batch after batch; what could not be destroyed is said, also in the exit code."""
    done, client = run("retention", "run", "--yes")
    assert (done.exit_code, len(client.asked)) == (3, 2)
    numbers = [line.split()[-1] for line in done.stdout.splitlines()]
    assert numbers == ["2", "1", "1", "0"]
    assert "1 contents could not be destroyed" in done.output


def test_holds(run: Run) -> None:
    """Placed with a reason, listed with who placed and lifted them, lifted by their identifier."""
    done, client = run("retention", "hold", "add", "content", "a" * 64, "--reason", "case 7")
    assert client.asked == [HoldRequest(kind=HoldKind.CONTENT, target="a" * 64, reason="case 7")]
    assert done.stdout.splitlines()[:2] == [ONE, f"  on content {'a' * 64}"]
    done, _ = run("retention", "hold", "list", "--all")
    assert done.stdout.splitlines() == [
        ONE,
        f"  on device {ONE}",
        "  placed 11-24 10:30 by lea: r",
        "  lifted 11-24 10:30 by max",
        ONE,
        f"  on content {'a' * 64}",
        "  placed 11-24 10:30 by lea: case \\x1b[1m7",
    ]
    done, client = run("retention", "hold", "lift", ONE)
    assert (client.asked, "lifted" in done.output) == ([ONE], True)
    done, _ = run("retention", "hold", "list", "--json")
    assert decode(done.stdout.encode(), HoldView) == HOLD


def test_a_report(run: Run) -> None:
    """Numbers by day, and a word where there are more."""
    done, client = run("report", "--by", "rule", "--since", "2026-11-01")
    assert client.asked == [(date(2026, 11, 1), None, Dimension.RULE)]
    assert "2026-11-24" in done.stdout
    assert "20 KiB" in done.stdout
    assert "this is not all" in done.stderr
