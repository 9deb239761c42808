from __future__ import annotations

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
