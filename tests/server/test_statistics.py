"""Statistics over the wire: who may report and read, and what is no report."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sampler.limits import STATISTICS_REPORT_MAX_BYTES
from sampler.model.statistics import ALL, Table
from sampler.wire.codec import decode
from sampler.wire.routes import Role
from sampler.wire.statistics_messages import (
    CountMessage,
    StatisticsAnswer,
    StatisticsKey,
    StatisticsPage,
    StatisticsReport,
)

Call = Callable[..., Awaitable[Any]]


@pytest.fixture
def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def report(yesterday: date) -> StatisticsReport:
    count = CountMessage(table=Table.OBJECTS, label=ALL, value=3)
    return StatisticsReport(id=str(uuid.uuid4()), day=yesterday, threshold=5, counts=(count,))


async def test_a_host_reports_and_people_read(
    host: Call, person: Callable[[Role], Call], report: StatisticsReport
) -> None:
    """A report is answered with whether it was added; of a day that is open nothing is read."""
    reply = await host("POST", "/v1/statistics", message=report)
    assert (reply.status, decode(reply.body, StatisticsAnswer)) == (200, StatisticsAnswer(id=report.id, added=True))
    again = await host("POST", "/v1/statistics", message=report)
    assert decode(again.body, StatisticsAnswer).added is False
    page = await person(Role.ANALYST)("GET", "/v1/statistics")
    assert decode(page.body, StatisticsPage) == StatisticsPage()


async def test_a_key(host: Call, other_host: Call, yesterday: date) -> None:
    """Every host is told the same one, and none for a day that is not over."""
    first = await host("GET", f"/v1/statistics/key?day={yesterday}")
    second = await other_host("GET", f"/v1/statistics/key?day={yesterday}")
    assert decode(first.body, StatisticsKey) == decode(second.body, StatisticsKey)
    refused = await host("GET", f"/v1/statistics/key?day={yesterday + timedelta(days=1)}")
    assert (refused.status, refused.problem) == (409, "conflict")


@pytest.mark.parametrize("role", [Role.WORKER, Role.ENROLL])
async def test_who_may_not_read(person: Callable[[Role], Call], role: Role) -> None:
    """Numbers are for analysts and administrators."""
    assert (await person(role)("GET", "/v1/statistics")).status == 403


async def test_people_do_not_report_and_hosts_do_not_read(
    host: Call, person: Callable[[Role], Call], report: StatisticsReport
) -> None:
    """Each door has its own half."""
    assert (await person(Role.ADMIN)("POST", "/v1/statistics", message=report)).status in (404, 405)
    assert (await host("GET", "/v1/statistics")).status in (404, 405)


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-13-01", "since=20261124", "limit=0", "limit=367", "day="]
)
async def test_what_is_no_day(person: Callable[[Role], Call], query: str) -> None:
    """400 names the parameter."""
    reply = await person(Role.ANALYST)("GET", f"/v1/statistics?{query}")
    assert (reply.status, reply.problem) == (400, "query")


@pytest.mark.parametrize("query", ["", "?day=", "?day=2026-02-30", "?day=2026-W48-2"])
async def test_a_key_of_no_day(host: Call, query: str) -> None:
    """A key is of one day, and the day has to be there."""
    reply = await host("GET", f"/v1/statistics/key{query}")
    assert (reply.status, reply.problem) == (400, "query")


async def test_a_report_that_is_too_large(host: Call) -> None:
    """It is not read to its end."""
    body = b" " * (STATISTICS_REPORT_MAX_BYTES + 1)
    reply = await host("POST", "/v1/statistics", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.problem) == (413, "too-large")


@pytest.mark.parametrize(
    "change",
    [
        {"device": "me"}, {"threshold": 1}, {"day": "someday"},
        {"counts": [{"table": "x", "label": "all", "value": 1}]},
        {"counts": [{"table": "sampler.statistics.objects", "label": "/home/alice", "value": 1}]},
        {"counts": [{"table": "sampler.statistics.objects", "label": "all", "value": 0}]},
        {"counts": [{"table": "sampler.statistics.objects_by_kind", "label": "my-laptop", "value": 1}]},
    ],
    ids=["key", "threshold", "day", "table", "label", "value", "kind"],
)  # fmt: skip
async def test_what_is_no_report(host: Call, yesterday: date, change: dict[str, Any]) -> None:
    """422 says where; nothing of it is added."""
    document = {"id": str(uuid.uuid4()), "day": str(yesterday), "threshold": 5, **change}
    data = json.dumps(document).encode()
    reply = await host("POST", "/v1/statistics", data=data, headers={"Content-Type": "application/json"})
    assert reply.status == 422
    whole = {**document, "day": str(yesterday), "threshold": 5, "counts": []}
    whole.pop("device", None)
    data = json.dumps(whole).encode()
    reply = await host("POST", "/v1/statistics", data=data, headers={"Content-Type": "application/json"})
    assert decode(reply.body, StatisticsAnswer).added
