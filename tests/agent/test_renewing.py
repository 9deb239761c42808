from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.agent.consent_acts import ActKind
from sampler.agent.consents import Acceptance, ConsentStore
from sampler.agent.renewing import carry_over, look_for_newer, newer_version
from sampler.model import Scope
from sampler.permit import Statement, parse_statement, shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SOME = frozenset({Scope.REPUTATION, Scope.METADATA})


def version(number: int, old: str = "", new: str = "") -> Statement:
    text = shipped_statement("basic").data.decode().replace("version = 2", f"version = {number}")
    return parse_statement(text.replace(old, new).encode() if old else text.encode(), b"")


@pytest.fixture
def store(tmp_path: Path) -> ConsentStore:
    return ConsentStore(tmp_path)


@pytest.fixture
def accepted(store: ConsentStore) -> ConsentStore:
    store.accept(Acceptance(version(4), SOME, "ann"), NOW)
    return store


WIDER = version(6, '"file.path" = "template"', '"file.path" = "keep"')
NARROWER = version(5, '"file.path" = "template"', '"file.path" = "drop"')


def test_a_narrower_version_takes_over(accepted: ConsentStore) -> None:
    """The consent goes over to it in the name of who gave it, and the act says so."""
    assert carry_over(accepted, NOW, [version(4), NARROWER]) is None
    assert accepted.statement() == NARROWER
    consent = accepted.load()
    assert consent is not None
    assert (consent.by, consent.scopes, consent.statement) == ("ann", SOME, NARROWER.ref)
    assert [(act.kind, act.by) for act in accepted.acts()] == [(ActKind.ACCEPTED, "ann"), (ActKind.CARRIED, "ann")]


def test_a_wider_version_waits_for_the_owner(accepted: ConsentStore) -> None:
    """The accepted one stays enforced and readable, and the owner is told what the newer one widens."""
    renewal = carry_over(accepted, NOW, [WIDER])
    assert renewal is not None
    assert "basic version 6 is there and widens: field file.path leaves as keep" in str(renewal)
    assert "basic version 4 stays in force" in str(renewal)
    assert accepted.statement() == version(4)
    accepted.accept(Acceptance(WIDER, SOME, "ann"), NOW)
    assert newer_version(accepted, [WIDER]) is None


def test_the_newest_version_counts(accepted: ConsentStore) -> None:
    """Of several newer ones the last is looked at; older ones and other statements never are."""
    renewal = newer_version(accepted, [NARROWER, WIDER, version(3), shipped_statement("extended")])
    assert renewal is not None
    assert renewal.new == WIDER
    assert newer_version(accepted, [version(3), version(4), shipped_statement("extended")]) is None


def test_nothing_is_renewed_for_nobody(store: ConsentStore) -> None:
    """Where nothing was accepted, or all was withdrawn, no version is offered or carried."""
    assert newer_version(store, [WIDER]) is None
    store.accept(Acceptance(version(4), SOME, "ann"), NOW)
    store.withdraw(None, "ann", NOW)
    assert carry_over(store, NOW, [NARROWER]) is None
    assert store.acts()[-1].kind is ActKind.WITHDRAWN


def test_what_ships_is_looked_at(store: ConsentStore) -> None:
    """An agent of a newer release carries a consent over that the older one was given."""
    store.accept(Acceptance(version(1), SOME, "ann"), NOW)
    look_for_newer(store, NOW)
    assert store.statement() == shipped_statement("basic")


def test_damage_keeps_no_agent_from_starting(accepted: ConsentStore, tmp_path: Path) -> None:
    """A consent that cannot be read counts as absent; looking for newer statements says so and goes on."""
    (tmp_path / "consent.json").write_bytes(b"?")
    look_for_newer(accepted, NOW)
    assert (tmp_path / "consent.json").read_bytes() == b"?"
