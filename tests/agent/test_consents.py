from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.consent_acts import ActKind
from sampler.agent.consents import Acceptance, ConsentStore
from sampler.errors import ConsentError
from sampler.limits import CONSENT_MAX_BYTES
from sampler.model import Scope
from sampler.permit import Statement, parse_statement, shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SOME = frozenset({Scope.REPUTATION, Scope.METADATA})


@pytest.fixture
def store(tmp_path: Path) -> ConsentStore:
    return ConsentStore(tmp_path)


@pytest.fixture
def accepted(store: ConsentStore) -> ConsentStore:
    store.accept(Acceptance(shipped_statement("extended"), SOME, "root"), NOW)
    return store


def _file(folder: Path, ending: str) -> Path:
    (found,) = folder.glob(f"*{ending}")
    return found


def test_before_anything_was_accepted(store: ConsentStore) -> None:
    """There is no consent, and the statement that would be asked first is the narrowest."""
    assert (store.load(), store.statement().id) == (None, "basic")


def test_what_was_accepted_is_read_by_another_process(accepted: ConsentStore, tmp_path: Path) -> None:
    """Consent and statement come back equal from a store opened anew, and every user can read them."""
    again = ConsentStore(tmp_path)
    consent = again.load()
    assert consent is not None
    assert (consent.scopes, consent.by, consent.at) == (SOME, "root", NOW)
    assert again.statement() == shipped_statement("extended")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes.pop("acts.lock") == 0o600
    assert set(modes.values()) == {0o644}


def test_a_later_acceptance_replaces_the_earlier(accepted: ConsentStore) -> None:
    """One consent stands; the statement accepted before can still be read by its digest."""
    basic, extended = shipped_statement("basic"), shipped_statement("extended")
    accepted.accept(Acceptance(basic, frozenset({Scope.REPUTATION}), "ann", NOW + timedelta(days=1)), NOW)
    consent = accepted.load()
    assert consent is not None
    assert (consent.statement, consent.by, consent.expires) == (basic.ref, "ann", NOW + timedelta(days=1))
    assert accepted.statement() == basic
    assert accepted.statement_of(extended.digest) == extended


@pytest.mark.parametrize("scopes", [frozenset[Scope](), frozenset({Scope.WHOLE}), SOME | {Scope.BOOT}])
def test_only_scopes_of_the_statement_can_be_accepted(store: ConsentStore, scopes: frozenset[Scope]) -> None:
    """Nothing, or a scope that the statement does not have, cannot be accepted, and changes nothing."""
    with pytest.raises(ConsentError, match="metadata, reputation, statistics"):
        store.accept(Acceptance(shipped_statement("basic"), scopes, "root"), NOW)
    assert store.load() is None


def test_a_consent_names_who_gave_it(store: ConsentStore) -> None:
    """An acceptance by nobody is refused."""
    with pytest.raises(ConsentError, match="not accepted"):
        store.accept(Acceptance(shipped_statement("basic"), SOME, ""), NOW)


def test_withdrawing_a_scope(accepted: ConsentStore) -> None:
    """What was taken back is gone for every later look, and by whom is kept."""
    left = accepted.withdraw(frozenset({Scope.METADATA}), "ann", NOW)
    assert left == accepted.load()
    assert left is not None
    assert (left.scopes, left.withdrawn_by) == (frozenset({Scope.REPUTATION}), "ann")


def test_withdrawing_everything(accepted: ConsentStore) -> None:
    """A consent without scopes is left, which lets nothing leave."""
    left = accepted.withdraw(None, "ann", NOW)
    assert left is not None
    assert left.scopes == frozenset()


def test_withdrawing_nothing(store: ConsentStore) -> None:
    """Where nothing was accepted there is nothing to take back."""
    assert store.withdraw(None, "ann", NOW) is None


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _add(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n# one more line\n")


def _remove(file: Path) -> None:
    file.unlink()


def _open_to_all(file: Path) -> None:
    file.chmod(0o666)


def _link(file: Path) -> None:
    file.rename(file.with_suffix(".kept"))
    file.symlink_to(file.with_suffix(".kept"))


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("ending", [".toml", ".md"])
@pytest.mark.parametrize("damage", [_cut, _empty, _add, _remove, _open_to_all, _link, _fifo])
def test_a_damaged_statement_voids_the_consent(
    accepted: ConsentStore, tmp_path: Path, damage: Callable[[Path], None], ending: str
) -> None:
    """A changed, missing or writable file of the statement is an error that says what holds now and what to do."""
    damage(_file(tmp_path, ending))
    with pytest.raises(ConsentError, match=r"counts as absent .* accept anew with: sampler consent accept"):
        accepted.statement()


@pytest.mark.parametrize("damage", [_cut, _empty, _remove, _open_to_all, _link, _fifo])
@pytest.mark.parametrize("name", ["consent.json", "acts.jsonl"])
def test_a_damaged_consent_counts_as_absent(
    accepted: ConsentStore, tmp_path: Path, damage: Callable[[Path], None], name: str
) -> None:
    """A consent that is not as it was written is an error that says what holds now and what to do."""
    damage(tmp_path / name)
    with pytest.raises(ConsentError, match=r"counts as absent .* accept anew with: sampler consent accept"):
        accepted.load()


def test_accepting_anew_repairs(accepted: ConsentStore, tmp_path: Path) -> None:
    """After damage, the advice of the error works."""
    _cut(tmp_path / "consent.json")
    _cut(tmp_path / "acts.jsonl")
    _cut(_file(tmp_path, ".toml"))
    accepted.accept(Acceptance(shipped_statement("extended"), SOME, "root"), NOW)
    assert accepted.load() is not None
    assert accepted.statement() == shipped_statement("extended")


def test_a_statement_exchanged_for_another_sound_one_is_seen(accepted: ConsentStore, tmp_path: Path) -> None:
    """Files of a wider statement in the place of the accepted one's do not count."""
    extended = shipped_statement("extended")
    wider = extended.data.replace(b'"file.owner" = "pseudonym"', b'"file.owner" = "keep"')
    assert parse_statement(wider, extended.text.encode()).fields["file.owner"] == "keep"
    _file(tmp_path, ".toml").write_bytes(wider)
    with pytest.raises(ConsentError, match="are not those that were accepted"):
        accepted.statement()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be written, accepting is an error that says that what stood still stands."""
    with pytest.raises(ConsentError, match="what stood before still stands"):
        ConsentStore(tmp_path / "absent").accept(Acceptance(shipped_statement("basic"), SOME, "root"), NOW)


def test_each_act_is_kept_with_its_author(accepted: ConsentStore) -> None:
    """Who accepted, withdrew and renewed what stays readable, in order, with the consent that each act left."""
    accepted.withdraw(frozenset({Scope.METADATA}), "ann", NOW)
    accepted.withdraw(None, "ben", NOW)
    accepted.accept(Acceptance(shipped_statement("basic"), SOME, "cyd", signer="0123456789abcdef"), NOW)
    acts = accepted.acts()
    assert [(act.number, act.kind, act.by) for act in acts] == [
        (1, ActKind.ACCEPTED, "root"),
        (2, ActKind.NARROWED, "ann"),
        (3, ActKind.WITHDRAWN, "ben"),
        (4, ActKind.ACCEPTED, "cyd"),
    ]
    assert [sorted(act.consent.scopes) for act in acts[:3]] == [sorted(SOME), ["reputation"], []]
    assert acts[-1].signer == "0123456789abcdef"
    assert acts[-1].consent == accepted.load()


def test_withdrawing_what_does_not_stand_is_no_act(accepted: ConsentStore) -> None:
    """What changes nothing is not noted, and stays without effect."""
    before = accepted.load()
    assert accepted.withdraw(frozenset({Scope.WHOLE}), "ann", NOW) == before
    assert len(accepted.acts()) == 1


def test_a_consent_that_no_act_left_counts_as_absent(accepted: ConsentStore, tmp_path: Path) -> None:
    """A sound consent.json from before a withdrawal, put back by hand, does not stand."""
    before = (tmp_path / "consent.json").read_bytes()
    accepted.withdraw(None, "ann", NOW)
    (tmp_path / "consent.json").write_bytes(before)
    with pytest.raises(ConsentError, match=r"counts as absent .* it is not what the last act left"):
        accepted.load()


def test_both_put_back_are_seen_by_the_journals_word(accepted: ConsentStore, tmp_path: Path) -> None:
    """Acts and consent from before a withdrawal that the journal saw do not count; accepting anew begins a chain."""
    files = [tmp_path / "consent.json", tmp_path / "acts.jsonl"]
    before = [file.read_bytes() for file in files]
    accepted.withdraw(None, "ann", NOW)
    seen = accepted.acts()[-1].digest
    for file, data in zip(files, before, strict=True):
        file.write_bytes(data)
    store = ConsentStore(tmp_path, lambda: seen)
    with pytest.raises(ConsentError, match=f"the journal saw act {seen[:16]}, which is not there any more"):
        store.acts()
    store.accept(Acceptance(shipped_statement("extended"), SOME, "root"), NOW)
    (act,) = store.acts()
    assert (act.number, act.kept) == (1, "acts.damaged-1")
    assert (tmp_path / act.kept).read_bytes() == before[1]


@pytest.mark.parametrize("line", [0, 1])
def test_an_act_that_was_changed_or_removed_is_seen(accepted: ConsentStore, tmp_path: Path, line: int) -> None:
    """A chain with a line less, or with a line that says something else, does not hold."""
    accepted.withdraw(frozenset({Scope.METADATA}), "ann", NOW)
    accepted.withdraw(None, "ann", NOW)
    lines = (tmp_path / "acts.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "acts.jsonl").write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(ConsentError, match="does not continue the one before it"):
        accepted.acts()
    lines[line] = lines[line].replace(b'"root"', b'"ROOT"').replace(b'"ann"', b'"ANN"')
    (tmp_path / "acts.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(ConsentError, match="changed after it was written"):
        accepted.acts()


def _version(number: int, **changes: str) -> Statement:
    text = shipped_statement("basic").data.decode().replace("version = 2", f"version = {number}")
    for old, new in changes.items():
        text = text.replace(f"{old} = ", f"{new}\n{old} = ")
    return parse_statement(text.encode(), b"")


def test_an_older_statement_does_not_replace_the_accepted_one(store: ConsentStore) -> None:
    """The previous one stays, and the refusal names both; a newer one is a renewal."""
    store.accept(Acceptance(_version(7), SOME, "root"), NOW)
    with pytest.raises(ConsentError, match="basic version 6 is older than the accepted one; basic version 7 stays"):
        store.accept(Acceptance(_version(6), SOME, "root"), NOW)
    assert store.statement().version == 7
    store.accept(Acceptance(_version(8), SOME, "root"), NOW)
    assert [act.kind for act in store.acts()] == [ActKind.ACCEPTED, ActKind.RENEWED]


def test_a_statement_past_its_day_is_not_accepted(store: ConsentStore) -> None:
    """What a statement itself says of its end holds, also where nothing was accepted before."""
    with pytest.raises(ConsentError, match="could be accepted until 2026-11-24 only; nothing is accepted"):
        store.accept(Acceptance(_version(3, retention_days="expires = 2026-11-24"), SOME, "root"), NOW)
    assert store.load() is None


def test_after_the_statements_files_were_lost_one_can_accept_anew(accepted: ConsentStore, tmp_path: Path) -> None:
    """A statement that cannot be read holds up no later acceptance."""
    _remove(_file(tmp_path, ".toml"))
    accepted.accept(Acceptance(shipped_statement("basic"), SOME, "root"), NOW)
    assert accepted.statement() == shipped_statement("basic")


def test_one_at_a_time_changes_the_consent(accepted: ConsentStore, tmp_path: Path) -> None:
    """While somebody else writes, an act is refused, and what stood stands."""
    with (tmp_path / "acts.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ConsentError, match="somebody else changes the consent now"):
            accepted.withdraw(None, "ann", NOW)
    assert accepted.load() is not None


def test_there_is_always_room_to_withdraw(
    accepted: ConsentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the acts leave no room for one more acceptance, taking back still works."""
    used = (tmp_path / "acts.jsonl").stat().st_size
    monkeypatch.setattr("sampler.agent.consents.CONSENT_ACTS_MAX_BYTES", CONSENT_MAX_BYTES + used)
    with pytest.raises(ConsentError, match="is full"):
        accepted.accept(Acceptance(shipped_statement("extended"), SOME, "root"), NOW)
    assert accepted.withdraw(None, "ann", NOW) is not None
    consent = accepted.load()
    assert consent is not None
    assert not consent.scopes
