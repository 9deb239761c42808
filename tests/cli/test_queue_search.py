"""What people type to find submissions, and what they see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from sampler.cli import queue_search
from sampler.cli.main import main
from sampler.model import Conclusion, SubmissionState
from sampler.wire.codec import decode
from sampler.wire.messages import ObjectMessage, VerdictMessage
from sampler.wire.search_messages import SearchHit, SearchPage, SearchRequest, Where

AT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
DONE = SearchHit(
    id="11111111-1111-4111-8111-111111111111",
    state=SubmissionState.DONE,
    received=AT,
    device="22222222-2222-4222-8222-222222222222",
    tenant="default",
    object=ObjectMessage(sha256="a" * 64, size=20_480),
    rules=("Rule_One", "Rule_\x1b[31mTwo"),
    verdict=VerdictMessage(conclusion=Conclusion.MALICIOUS, score=90, analyzer="lab", at=AT),
    distance=12,
)
WAITING = msgspec.structs.replace(DONE, state=SubmissionState.QUEUED, verdict=None, rules=(), distance=None)

Search = Callable[..., tuple[Result, list[SearchRequest]]]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    """Run ``sampler queue search`` over a queue that answers these pages; what came of it and what was asked."""
    asked: list[SearchRequest] = []

    def run(*arguments: str, pages: tuple[SearchPage, ...] = (SearchPage(),)) -> tuple[Result, list[SearchRequest]]:
        class Client:
            async def search(self, request: SearchRequest) -> SearchPage:
                asked.append(request)
                return pages[len(asked) - 1]

        def with_client(_config: Any, ask: Callable[[Any], Any]) -> Any:
            return asyncio.run(ask(Client()))

        monkeypatch.setattr(queue_search, "with_client", with_client)
        return CliRunner().invoke(main, ["queue", "search", *arguments], env={"COLUMNS": "80"}), asked

    return run


def test_what_is_typed_becomes_conditions(search: Search) -> None:
    """Every option is one condition, in the words of the wire."""
    done, (asked,) = search(
        "ABCD", "--rule", "APT_*", "--reason", "detection", "--verdict", "malicious", "--state", "done",
        "--since", "2026-11-24", "-w", "file.name=a=b", "-w", "file.size>=10", "-w", "file.size<=20",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert asked == SearchRequest(
        hash="abcd",
        state=SubmissionState.DONE,
        conclusion=Conclusion.MALICIOUS,
        since=datetime(2026, 11, 24, tzinfo=UTC),
        where=(
            Where(field="rule.name", how="begins", value="APT_"),
            Where(field="event.reason", value="detection"),
            Where(field="file.name", value="a=b"),
            Where(field="file.size", how="at_least", value="10"),
            Where(field="file.size", how="at_most", value="20"),
        ),
    )


@pytest.mark.parametrize("arguments", [("aaaa", "bbbb"), ("-w", "no condition"), ("-w", "Field=x")])
def test_what_is_no_question(search: Search, arguments: tuple[str, ...]) -> None:
    """It is said how to write it, and nothing is asked."""
    done, asked = search(*arguments)
    assert (done.exit_code, asked) == (2, [])
    assert "Usage:" in done.output


def test_hits_fit_into_80_columns(search: Search) -> None:
    """A hash stays in one piece, and what a host wrote cannot steer the terminal."""
    gone = msgspec.structs.replace(WAITING, contents_destroyed=AT)
    done, _ = search("--near", "t1" + "0" * 70, pages=(SearchPage(hits=(DONE, gone)),))
    lines = done.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"{DONE.id}  11-24 10:30  done  malicious (90)"
    assert lines[1:3] == [f"  {'a' * 64}  20 KiB", "  distance 12, Rule_One, Rule_\\x1b[31mTwo"]
    assert lines[3:] == [f"{WAITING.id}  11-24 10:30  queued", f"  {'a' * 64}  destroyed"]
    assert "\x1b" not in done.output


def test_it_reads_page_after_page(search: Search) -> None:
    """Up to the limit, also where a page is empty because the queue had read as much as it may."""
    pages = (SearchPage(hits=(DONE,), after="7"), SearchPage(after="5"), SearchPage(hits=(WAITING, DONE), after="2"))
    done, asked = search("--json", "--limit", "2", pages=pages)
    assert [decode(line.encode(), SearchHit) for line in done.stdout.splitlines()] == [DONE, WAITING]
    assert [(each.after, each.limit) for each in asked] == [(None, 2), ("7", 2), ("5", 2)]
    assert "there may be more" in done.stderr


def test_it_says_what_may_be_missing(search: Search) -> None:
    """That the index is behind, and that too much is alike to measure all of it."""
    done, _ = search(pages=(SearchPage(behind=3, crowded=True),))
    assert "3 submissions came or moved on just now" in done.stderr
    assert "too many objects are like this one" in done.stderr
