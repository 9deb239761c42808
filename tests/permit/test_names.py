from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sampler.permit import HostNames
from sampler.permit.names import replace_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice", "~user"),
        ("/tmp/alice-x", "/tmp/~user-x"),
        ("ALICE2024", "~user2024"),
        ("malice", "malice"),
        ("bench", "bench"),
        ("ben_backup", "~user_backup"),
        ("backupjsmith.zip", "~user.zip"),
        (r"\xffben", r"\xff~user"),
        ("%2Fben%2F", "%2F~user%2F"),
        ("report of Ben Stone.pdf", "report of ~user.pdf"),
        ("orchid7", "~host"),
        ("orchid7.example.com:22", "~host:22"),
        ("~user", "~user"),
        ("~userjsmith", "~~user"),
    ],
)
def test_names_are_found_where_they_are_names(host: HostNames, text: str, expected: str) -> None:
    """Long names are found anywhere, short ones as words of their own, behind escapes too; stand-ins stay."""
    assert replace_names(text, host) == expected


def test_a_short_key_is_refused() -> None:
    """A pseudonym key that could be guessed cannot be used."""
    with pytest.raises(ValueError, match="at least 16"):
        HostNames(pseudonym_key=b"short")


def test_an_empty_name_is_refused() -> None:
    """An empty name would be found everywhere."""
    with pytest.raises(ValueError, match="empty name"):
        HostNames(users=frozenset({""}), pseudonym_key=b"k" * 32)


def test_the_key_is_not_shown(host: HostNames) -> None:
    """The key does not get into a log by way of repr."""
    assert "kkkk" not in repr(host)


def test_pseudonyms_rotate() -> None:
    """Within 30 days a name keeps its pseudonym; in the next ones, and on another machine, it has another."""
    names = HostNames(pseudonym_key=b"k" * 32)
    other = HostNames(pseudonym_key=b"o" * 32)
    start = datetime(2026, 11, 25, tzinfo=UTC)
    period = timedelta(days=30)
    begin = start - timedelta(seconds=int(start.timestamp()) % int(period.total_seconds()))
    key = names.at(begin).pseudonym_key
    assert names.at(begin + period - timedelta(seconds=1)).pseudonym_key == key
    assert len({key, names.at(begin + period).pseudonym_key, other.at(begin).pseudonym_key, names.pseudonym_key}) == 4
    assert names.at(begin).users == names.users
