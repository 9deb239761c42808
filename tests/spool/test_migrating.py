"""A spool that an older version wrote: its plain contents are encrypted, its ledger goes on, nothing of it is lost."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import ContentLost, SpoolError, SpoolFull
from sampler.model import ObjectState
from sampler.runtime.key_ring import KeyRing
from sampler.spool import ContentFolder, Spool
from sampler.spool.migrating import seal_plain

_BEFORE_WORTH = (
    "DROP TRIGGER manifest_comes",
    "DROP TRIGGER manifest_goes",
    "DROP TRIGGER content_comes",
    "DROP TRIGGER content_goes",
    "DROP TABLE worth",
    "DROP TABLE spooled_of",
    "DROP TABLE untold",
    "DELETE FROM cursors WHERE name IN ('lived', 'used')",
    "PRAGMA user_version = 4",
)


def make_plain(folder: Path, data: bytes) -> Path:
    """A content as it lay there before contents were encrypted."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / "contents" / sha256[:2] / sha256
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name(f"{sha256}.sealed").unlink(missing_ok=True)
    return path


@pytest.fixture
def older(open_spool: Callable[..., Spool], thing: Any, folder: Path, tmp_path: Path) -> list[Any]:
    """Two objects in a spool of the version before: plain contents, a ledger of its schema."""
    spool, things = open_spool(), [thing(os.urandom(200_000)), thing(b"held", state=ObjectState.HELD)]
    for each in things:
        each.put_into(spool)
    spool.close()
    for each in things:
        make_plain(folder, each.data)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database, database:
        for statement in _BEFORE_WORTH:
            database.execute(statement)
    return things


def test_an_older_spool_goes_on(
    older: list[Any], open_spool: Callable[..., Spool], folder: Path, now: datetime
) -> None:
    """After the first start everything that waited waits, is encrypted, and can be delivered, expire and make room."""
    spool = open_spool()
    assert spool.sweep() == ()
    assert [path.suffix for path in (folder / "contents").glob("*/*")] == [".sealed"] * 2
    for each in older:
        with spool.open_content(each.contents[0].sha256) as file:
            assert file.read() == each.data
    (group,) = spool.upkeep.standing().groups
    assert (group.name, group.objects, group.since) == ("", 1, now)
    assert group.size_bytes == 200_000 + len(older[0].manifest)
    assert spool.used_bytes() == 200_004 + sum(len(each.manifest) for each in older)
    assert [resident.event_id for resident in spool._ledger.evictable(9)] == [older[0].event_id]
    assert spool.sweep() == ()


def test_what_nobody_needs_is_not_encrypted(spool: Spool, folder: Path) -> None:
    """A plain file that no object waits with is swept like any other."""
    path = make_plain(folder, b"nobody's")
    assert spool.sweep() == (path.name,)


def test_killed_between_the_two_steps(older: list[Any], open_spool: Callable[..., Spool], folder: Path) -> None:
    """With the sealed file durable and the plain one still there, the next start only removes the plain one."""
    open_spool().sweep()
    plain = make_plain(folder, older[0].data)
    plain.with_name(plain.name + ".sealed").touch()  # as if whole: it is not written again
    spool = open_spool()
    spool.sweep()
    assert not plain.exists()
    with pytest.raises(ContentLost):
        spool.open_content(plain.name)


def test_a_plain_content_that_was_changed(older: list[Any], open_spool: Callable[..., Spool], folder: Path) -> None:
    """Bytes that are not what they are named by are not encrypted as if they were; the object will end by name."""
    make_plain(folder, older[0].data).write_bytes(b"something else")
    spool = open_spool()
    spool.sweep()
    with pytest.raises(ContentLost):
        spool.open_content(older[0].contents[0].sha256)
    with spool.open_content(older[1].contents[0].sha256) as file:
        assert file.read() == b"held"


def test_no_room_to_encrypt(
    older: list[Any], open_spool: Callable[..., Spool], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What there is no room for stays plain, is not taken for lost, and is encrypted when there is room."""
    spool, write = open_spool(), ContentFolder.write

    def full(*_values: object) -> None:
        raise SpoolFull("no room")

    monkeypatch.setattr(ContentFolder, "write", full)
    spool.sweep()
    sha256 = older[0].contents[0].sha256
    with pytest.raises(SpoolError) as caught:
        spool.open_content(sha256)
    assert not isinstance(caught.value, ContentLost)
    monkeypatch.setattr(ContentFolder, "write", write)
    spool.sweep()
    with spool.open_content(sha256) as file:
        assert file.read() == older[0].data


def test_only_what_is_needed_is_sealed(folder: Path, keys: KeyRing) -> None:
    """The folder alone: names that are no hashes, and hashes that nobody needs, stay as they are."""
    contents = ContentFolder(folder / "contents", keys)
    needed, other = make_plain(folder, b"needed"), make_plain(folder, b"other")
    odd = needed.with_name("README")
    odd.write_bytes(b"not a content")
    seal_plain(contents, {needed.name})
    assert contents.holds(needed.name)
    assert (needed.exists(), other.exists(), odd.exists()) == (False, True, True)
