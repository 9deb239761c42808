from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.consents import Acceptance, ConsentStore
from sampler.agent.noted_consents import Noted, NotedConsents
from sampler.errors import ConsentError, JournalError
from sampler.journal import Journal, JournalReader
from sampler.model import Scope
from sampler.permit import shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SOME = frozenset({Scope.REPUTATION, Scope.METADATA})


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "consent").mkdir()
    (tmp_path / "journal").mkdir()
    return tmp_path


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    with Journal(folder / "journal") as made:
        yield made


@pytest.fixture
def owner(folder: Path) -> ConsentStore:
    """What the command line uses, while the agent runs."""
    return ConsentStore(folder / "consent")


def opened(folder: Path, journal: Journal, clock: Clock) -> NotedConsents:
    noted = Noted.last_of(JournalReader(folder / "journal"))
    return NotedConsents(folder / "consent", journal, clock, noted)


def entries(folder: Path) -> list[tuple[str, str, str]]:
    read = JournalReader(folder / "journal").entries()
    return [(entry.kind, entry.document["act"], entry.document["by"]) for entry in read]


def test_an_act_is_in_the_journal_before_the_consent_is_used(
    folder: Path, journal: Journal, clock: Clock, owner: ConsentStore
) -> None:
    """Whoever is told of a consent can be sure that the owner's journal has it, once, with its author and digest."""
    consents = opened(folder, journal, clock)
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann"), NOW)
    assert consents.load() == owner.load()
    consents.statement()
    (entry,) = JournalReader(folder / "journal").entries()
    assert (entry.kind, entry.document["act"], entry.document["by"]) == ("consent", "accepted", "ann")
    assert entry.document["digest"] == owner.acts()[0].digest
    assert entry.document["scopes"] == ["metadata", "reputation"]
    assert entry.document["statement"]["id"] == "basic"


def test_everything_since_the_last_look_is_noted(
    folder: Path, journal: Journal, clock: Clock, owner: ConsentStore
) -> None:
    """What happened while no agent ran is noted in its order, also after a restart, and nothing twice."""
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann"), NOW)
    owner.withdraw(frozenset({Scope.METADATA}), "ben", NOW)
    opened(folder, journal, clock).load()
    owner.withdraw(None, "cyd", NOW)
    opened(folder, journal, clock).load()
    opened(folder, journal, clock).load()
    assert entries(folder) == [
        ("consent", "accepted", "ann"),
        ("withdrawn", "narrowed", "ben"),
        ("withdrawn", "withdrawn", "cyd"),
    ]


def test_what_cannot_be_noted_does_not_stand(folder: Path, journal: Journal, clock: Clock, owner: ConsentStore) -> None:
    """While the journal cannot be written, nobody is told of the consent."""
    consents = opened(folder, journal, clock)
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann"), NOW)
    with (folder / "journal" / "journal.jsonl").open("ab") as file:
        file.write(b"something else\n")
    with pytest.raises(JournalError):
        consents.load()


def test_acts_that_were_set_back_count_as_absent(
    folder: Path, journal: Journal, clock: Clock, owner: ConsentStore
) -> None:
    """Files from before a withdrawal, put back together, do not stand, neither now nor after a restart."""
    files = [folder / "consent" / "consent.json", folder / "consent" / "acts.jsonl"]
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann"), NOW)
    before = [file.read_bytes() for file in files]
    owner.withdraw(None, "ann", NOW)
    consents = opened(folder, journal, clock)
    consents.load()
    for file, data in zip(files, before, strict=True):
        file.write_bytes(data)
    for each in (consents, opened(folder, journal, clock)):
        with pytest.raises(ConsentError, match=r"counts as absent .* which is not there any more"):
            each.load()


def test_a_repaired_chain_is_noted_anew(folder: Path, journal: Journal, clock: Clock, owner: ConsentStore) -> None:
    """After the owner accepted anew over damage, the journal has the acceptance, and the consent stands."""
    consents = opened(folder, journal, clock)
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann"), NOW)
    consents.load()
    (folder / "consent" / "acts.jsonl").write_bytes(b"?")
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ben"), NOW)
    assert consents.load() is not None
    assert entries(folder)[-1] == ("consent", "accepted", "ben")


def test_an_end_by_time_is_noted_once(folder: Path, journal: Journal, clock: Clock, owner: ConsentStore) -> None:
    """That a consent expired is in the journal, so that its moment is past for every later start."""
    owner.accept(Acceptance(shipped_statement("basic"), SOME, "ann", NOW + timedelta(days=1)), NOW)
    consents = opened(folder, journal, clock)
    consents.load()
    clock.at += timedelta(days=2)
    consents.load()
    consents.load()
    opened(folder, journal, clock).load()
    assert entries(folder) == [("consent", "accepted", "ann"), ("withdrawn", "expired", "ann")]
    assert journal.latest == clock.at
