"""Retention over the wire: who may see, run and hold, and what is no request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from sampler.server import QueueSettings
from sampler.server.settings import RetentionRuleSection, RetentionSection
from sampler.wire.codec import decode
from sampler.wire.messages import Manifest
from sampler.wire.retention_messages import (
    DuePage,
    HoldKind,
    HoldPage,
    HoldRequest,
    HoldView,
    RetentionStatus,
    RunAnswer,
    RunRequest,
)
from sampler.wire.rollup_messages import RollupPage
from sampler.wire.routes import Role
from sampler.wire.search_messages import SearchPage, SearchRequest

Call = Callable[..., Awaitable[Any]]
DATA = b"kept for no time at all"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def settings(settings: QueueSettings) -> QueueSettings:
    """Contents are due at once."""
    rule = RetentionRuleSection(reasons=(), records_days=30.0)
    return msgspec.structs.replace(settings, retention=RetentionSection(contents_days=0.0, rules=(rule,)))


@pytest.fixture
async def delivered(
    person: Callable[[Role], Call],
    deliver: Callable[[Manifest, bytes], Awaitable[None]],
    make_manifest: Callable[[bytes], Manifest],
) -> str:
    """A submission that is whole and in the index."""
    manifest = make_manifest(DATA)
    await deliver(manifest, DATA)
    call = person(Role.ANALYST)
    while decode((await call("POST", "/v1/search", message=SearchRequest())).body, SearchPage).behind:
        pass
    return manifest.id


async def test_what_is_due_is_seen_held_and_destroyed(person: Callable[[Role], Call], delivered: str) -> None:
    """An administrator sees it, holds it, lifts the hold and has it destroyed; the numbers stay."""
    call = person(Role.ADMIN)
    page = decode((await call("GET", "/v1/retention/due?part=contents")).body, DuePage)
    assert [(line.submission, line.bytes, line.why) for line in page.lines] == [
        (delivered, len(DATA), "retention.contents_days")
    ]
    asked = HoldRequest(kind=HoldKind.CONTENT, target=SHA256, reason="a court asks")
    placed = await call("POST", "/v1/holds", message=asked)
    hold = decode(placed.body, HoldView)
    assert (placed.status, hold.kind, hold.target, hold.reason) == (201, HoldKind.CONTENT, SHA256, "a court asks")
    assert decode((await call("GET", "/v1/retention/due")).body, DuePage) == DuePage()
    assert decode((await call("POST", "/v1/retention/run", message=RunRequest())).body, RunAnswer) == RunAnswer()
    assert (await call("POST", f"/v1/holds/{hold.id}/lift")).status == 200
    assert (await call("POST", f"/v1/holds/{hold.id}/lift")).problem == "conflict"
    assert decode((await call("GET", "/v1/holds")).body, HoldPage) == HoldPage()
    assert len(decode((await call("GET", "/v1/holds?lifted=1")).body, HoldPage).holds) == 1
    done = decode((await call("POST", "/v1/retention/run", message=RunRequest())).body, RunAnswer)
    assert done == RunAnswer(contents_of=1, destroyed=1)
    assert (await call("GET", f"/v1/contents/{SHA256}")).status == 404
    rollups = decode((await person(Role.ANALYST)("GET", "/v1/rollups?by=all")).body, RollupPage)
    assert [(line.label, line.objects, line.bytes) for line in rollups.lines] == [("all", 1, len(DATA))]


async def test_the_rules_are_told(person: Callable[[Role], Call]) -> None:
    """As they stand in the settings, and from when on they act."""
    status = decode((await person(Role.ADMIN)("GET", "/v1/retention")).body, RetentionStatus)
    assert (status.contents_days, status.records_days, status.rules) == (0.0, 365.0, ("1. records_days 30.0",))
    assert (status.acts_from - status.since).total_seconds() == 86_400


async def test_only_administrators_have_to_do_with_it(person: Callable[[Role], Call]) -> None:
    """What belongs to all tenants is for who sees all of them."""
    asked = ("GET retention", "GET retention/due", "POST retention/run", "GET holds", "POST holds")
    for role in (Role.ANALYST, Role.WORKER):
        call = person(role)
        for method, path in (each.split() for each in asked):
            assert (await call(method, f"/v1/{path}")).status == 403, (role, path)


async def test_a_wrong_question_is_refused_by_name(person: Callable[[Role], Call]) -> None:
    """Each parameter has a value of its kind."""
    call = person(Role.ADMIN)
    for query in ("part=all", "at=yesterday", "at=2026-11-24T10:00:00", "limit=0", "limit=100000", "what=1"):
        reply = await call("GET", f"/v1/retention/due?{query}")
        assert (reply.status, reply.problem) == (400, "query"), query
        assert query.partition("=")[0] in json.loads(reply.body)["detail"]
