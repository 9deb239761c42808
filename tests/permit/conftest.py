"""Findings, statements and names for the tests of permit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.model import (
    ContentKind,
    Field,
    Finding,
    Part,
    PartKind,
    Plan,
    Reason,
    RuleMatch,
    Sampling,
    StringHit,
)
from sampler.permit import Consent, HostNames, Statement, shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def host() -> HostNames:
    return HostNames(
        homes=(("/home/alice", "alice"), ("/srv/people/ben stone", "ben")),
        users=frozenset({"alice", "ben", "jsmith", "Ben Stone"}),
        host_names=frozenset({"orchid7", "orchid7.example.com"}),
        pseudonym_key=b"k" * 32,
    )


@pytest.fixture
def extended() -> Statement:
    return shipped_statement("extended")


@pytest.fixture
def consent(extended: Statement) -> Consent:
    return Consent(extended.ref, extended.scopes, "root", NOW)


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes a finding of a suspicious program; keywords replace what it has."""
    base = Finding(
        event_id="0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10",
        created=NOW,
        reason=Reason.DETECTION,
        sha256="ab" * 32,
        size=4096,
        kind=ContentKind.EXECUTABLE,
        mime_type="application/x-dosexec",
        ruleset_version="sha256:0123456789abcdef",
        plan=Plan(Sampling.METADATA),
        path=b"/home/alice/Downloads/setup.exe",
        detections=("Win.Test.Nothing-1",),
        matches=(
            RuleMatch(
                "test_rule",
                "own/test.yar",
                tags=("test",),
                meta=(("author", "us"), ("severity", "high"), ("unlisted", "x")),
                hits=(StringHit("$a", 16, 4),),
                hits_total=1,
            ),
        ),
        fields=(
            Field("file.path", "/home/alice/Downloads/setup.exe"),
            Field("file.name", "setup.exe"),
            Field("file.owner", "alice"),
            Field("file.uid", 1000),
            Field("process.args", ("setup.exe", "--password", "hunter2")),
            Field("process.command_line", "setup.exe --password hunter2"),
            Field("host.hostname", "orchid7"),
        ),
    )

    def make(**changes: Any) -> Finding:
        return replace(base, **changes)

    return make


@pytest.fixture
def parts_plan() -> Plan:
    return Plan(
        Sampling.PARTS,
        (
            Part(PartKind.HEADER, "", 0, 1024, "11" * 32),
            Part(PartKind.MATCH, "$a", 2000, 516, "22" * 32),
        ),
    )
