from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.queue import Task
from sampler.queue.priority import AGEING, POINTS_MAX, points
from sampler.wire.messages import Manifest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MakeManifest = Callable[..., Manifest]


def _points(manifest: Manifest, *severities: str, reason: str = "detection", offered: int = 100) -> int:
    matches = [{"sampler.rule.severity": each} if each else {} for each in severities]
    told = msgspec.structs.replace(manifest, fields={"event.reason": reason}, matches=matches)
    return points(told, offered=offered)


def test_severity_reason_and_rarity_add_up(make_manifest: MakeManifest) -> None:
    """The worst rule counts, a waiting person counts more than a policy, new contents more than known ones."""
    manifest = make_manifest()
    assert _points(manifest, "low", "critical", "info") == _points(manifest, "Critical") > _points(manifest, "high")
    assert (
        _points(manifest, "high", reason="analyst")
        > _points(manifest, "high")
        > _points(manifest, "high", reason="policy")
    )
    assert _points(manifest, "low", offered=1) > _points(manifest, "low", offered=5) > _points(manifest, "low")
    assert _points(manifest, "critical", reason="analyst", offered=1) == POINTS_MAX
    assert _points(manifest, "info", reason="policy") == 0


def test_what_a_host_invents_counts_as_little_as_nothing(make_manifest: MakeManifest) -> None:
    """An unknown severity is that of a rule without one, and an unknown reason is none."""
    manifest = make_manifest()
    assert _points(manifest, "apocalyptic") == _points(manifest, "") == _points(manifest)
    assert _points(manifest, "info", reason="because") == 0


@pytest.mark.parametrize("waited", [AGEING - timedelta(seconds=1), AGEING, AGEING + timedelta(seconds=1)])
def test_waiting_makes_up_for_points(waited: timedelta) -> None:
    """A task that has waited one ageing longer stands where one with one more point does."""
    old, new = Task("a", "s", NOW - waited, NOW, priority=10), Task("b", "s", NOW, NOW, priority=11)
    assert (old.rank < new.rank) == (waited > AGEING)


@given(st.integers(0, POINTS_MAX), st.integers(0, POINTS_MAX), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_nothing_waits_for_ever(early: int, late: int, between: timedelta) -> None:
    """Whatever points a later task has, it overtakes no one who has waited the time of all points longer."""
    first = Task("a", "s", NOW, NOW, priority=early)
    second = replace(first, created=NOW + between, priority=late)
    assert first.rank <= second.rank or between < POINTS_MAX * AGEING
