from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.consents import ConsentStore
from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit import parse_statement, shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SOME = frozenset({Scope.REPUTATION, Scope.METADATA})


@pytest.fixture
def store(tmp_path: Path) -> ConsentStore:
    return ConsentStore(tmp_path)


@pytest.fixture
def accepted(store: ConsentStore) -> ConsentStore:
    store.accept(shipped_statement("extended"), SOME, "root", NOW)
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
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o644}


def test_a_later_acceptance_replaces_the_earlier(accepted: ConsentStore) -> None:
    """One consent stands; the statement accepted before can still be read by its digest."""
    basic, extended = shipped_statement("basic"), shipped_statement("extended")
    accepted.accept(basic, frozenset({Scope.REPUTATION}), "ann", NOW, expires=NOW + timedelta(days=1))
    consent = accepted.load()
    assert consent is not None
    assert (consent.statement, consent.by, consent.expires) == (basic.ref, "ann", NOW + timedelta(days=1))
    assert accepted.statement() == basic
    assert accepted.statement_of(extended.digest) == extended


@pytest.mark.parametrize("scopes", [frozenset[Scope](), frozenset({Scope.WHOLE}), SOME | {Scope.BOOT}])
def test_only_scopes_of_the_statement_can_be_accepted(store: ConsentStore, scopes: frozenset[Scope]) -> None:
    """Nothing, or a scope that the statement does not have, cannot be accepted, and changes nothing."""
    with pytest.raises(ConsentError, match="metadata, reputation, statistics"):
        store.accept(shipped_statement("basic"), scopes, "root", NOW)
    assert store.load() is None


def test_a_consent_names_who_gave_it(store: ConsentStore) -> None:
    """An acceptance by nobody is refused."""
    with pytest.raises(ConsentError, match="not accepted"):
        store.accept(shipped_statement("basic"), SOME, "", NOW)


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


@pytest.mark.parametrize("damage", [_cut, _empty, _open_to_all, _link, _fifo])
def test_a_damaged_consent_counts_as_absent(
    accepted: ConsentStore, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A consent that is not as it was written is an error that says what holds now and what to do."""
    damage(tmp_path / "consent.json")
    with pytest.raises(ConsentError, match=r"counts as absent .* accept anew with: sampler consent accept"):
        accepted.load()


def test_accepting_anew_repairs(accepted: ConsentStore, tmp_path: Path) -> None:
    """After damage, the advice of the error works."""
    _cut(tmp_path / "consent.json")
    _cut(_file(tmp_path, ".toml"))
    accepted.accept(shipped_statement("extended"), SOME, "root", NOW)
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
        ConsentStore(tmp_path / "absent").accept(shipped_statement("basic"), SOME, "root", NOW)
