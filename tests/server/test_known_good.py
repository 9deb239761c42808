"""Making and publishing lists of known good files."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pytest

from sampler.errors import SettingsError
from sampler.server import QueueSettings
from sampler.server.known_good import make_list, publish_list, published_list
from sampler.server.tokens import opened_ledger
from sampler.wire.audit_messages import Action

DIGESTS = [hashlib.sha256(b"%d" % number).digest() for number in range(100)]


def test_each_hash_counts_once(tmp_path: Path) -> None:
    """In whatever order they come; the same hashes make the same file."""
    first = make_list(iter([*DIGESTS, *DIGESTS]), tmp_path / "a")
    second = make_list(reversed(DIGESTS), tmp_path / "b")
    assert first == second
    assert first.entries == 100
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_lists_are_numbered(settings: QueueSettings, current: datetime, tmp_path: Path) -> None:
    """Each that is published stands in place of the one before; none at first."""
    assert published_list(settings) is None
    make_list(DIGESTS, tmp_path / "list")
    make_list([], tmp_path / "empty")
    for number, name in enumerate(("list", "empty", "list"), 1):
        published = publish_list(settings, tmp_path / name, name=name, days=1, now=current)
        assert published == published_list(settings)
        assert (published.number, published.name) == (number, name)
    with opened_ledger(settings) as ledger:
        acts = [act for _, act in ledger.loose_acts(9)]
    assert [(act.action, act.subject) for act in acts] == [
        (Action.KNOWN_GOOD_PUBLISH, f"list {number}") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[:-1] + b"\x00", lambda data: b"", lambda data: b"{}\n"]
)
def test_a_file_that_is_no_list_is_not_published(
    settings: QueueSettings, current: datetime, tmp_path: Path, change: object
) -> None:
    """It was cut off, changed, or is something else."""
    make_list(DIGESTS, tmp_path / "list")
    assert callable(change)
    (tmp_path / "list").write_bytes(change((tmp_path / "list").read_bytes()))
    with pytest.raises(SettingsError):
        publish_list(settings, tmp_path / "list", name="n", days=1, now=current)
    assert published_list(settings) is None


def test_names_and_files_that_cannot_be_used(settings: QueueSettings, current: datetime, tmp_path: Path) -> None:
    """Owners of hosts read the name, so it is printable; what cannot be read or written is named."""
    make_list(DIGESTS, tmp_path / "list")
    for name in ("", "a\x1b[2J", "a" * 2000):
        with pytest.raises(SettingsError, match="name"):
            publish_list(settings, tmp_path / "list", name=name, days=1, now=current)
    with pytest.raises(SettingsError, match="cannot be read"):
        publish_list(settings, tmp_path / "none", name="n", days=1, now=current)
    with pytest.raises(SettingsError, match="cannot be written"):
        make_list(DIGESTS, tmp_path / "none" / "list")
