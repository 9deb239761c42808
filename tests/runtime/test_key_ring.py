"""The keys of files at rest: made, found, succeeded, forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.errors import SealError, SealKeyMissing
from sampler.runtime.key_ring import KEY_BYTES, KeyRing

MONTH = timedelta(days=30)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_first_key(folder: Path, now: datetime) -> None:
    """None is made by asking; the first that is made is private, and the next process has the same."""
    with pytest.raises(SealKeyMissing, match="start the agent"):
        KeyRing(folder).current()
    assert KeyRing(folder).rotate(now, MONTH)
    key = KeyRing(folder).current()
    assert (key.number, len(key.secret), key.made) == (1, KEY_BYTES, now)
    assert KeyRing(folder).get(1) == key
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert key.secret.hex() not in repr(key)


@pytest.mark.parametrize(("later", "succeeded"), [(DAY, False), (MONTH - DAY, False), (MONTH, True), (-DAY, True)])
def test_succession(folder: Path, now: datetime, later: timedelta, succeeded: bool) -> None:
    """A key of the age gets a successor, and one from the future too, or a clock that jumped would keep it for ever."""
    keys = KeyRing(folder)
    keys.rotate(now, MONTH)
    first = keys.current()
    assert keys.rotate(now + later, MONTH) == succeeded
    assert (keys.current().number, keys.get(1)) == (1 + succeeded, first)


def test_a_reader_in_another_process_finds_a_new_key(folder: Path, now: datetime) -> None:
    """A ring that was opened before a key was made has it all the same."""
    writer, reader = KeyRing(folder), KeyRing(folder)
    writer.rotate(now, MONTH)
    assert reader.current().number == 1
    writer.rotate(now + MONTH, MONTH)
    assert reader.current() == writer.current()


def test_what_is_used_or_young_is_not_forgotten(folder: Path, now: datetime) -> None:
    """A key goes when nothing is encrypted with it and its successor is a day old; the latest never does."""
    keys = KeyRing(folder)
    for number in range(3):
        keys.rotate(now + number * MONTH, MONTH)
    latest = now + 2 * MONTH
    assert keys.forget({2}, latest + DAY / 2) == ()
    assert keys.forget({2}, latest + DAY) == (1,)
    assert keys.forget((), latest + DAY) == (2,)
    assert [path.name for path in folder.iterdir()] == ["00000003.key"]
    with pytest.raises(SealKeyMissing, match="restore it"):
        keys.get(1)


def test_the_key_from_before_there_were_several(folder: Path, tmp_path: Path, now: datetime) -> None:
    """It opens under the number 0, never seals, and goes like the others."""
    first = tmp_path / "seal.key"
    first.write_bytes(b"k" * KEY_BYTES)
    keys = KeyRing(folder, first=first)
    keys.rotate(now, MONTH)
    assert (keys.get(0).secret, keys.get(0).made) == (b"k" * KEY_BYTES, datetime(1970, 1, 1, tzinfo=UTC))
    assert keys.current().number == 1
    assert keys.forget({0}, now + DAY) == ()
    assert keys.forget((), now + DAY) == (0,)
    assert not first.exists()


@pytest.mark.parametrize("written", [b"", b"k" * 39, b"k" * 41, b"k" * 4096])
def test_what_is_no_key(folder: Path, now: datetime, written: bytes) -> None:
    """A file that is no key is named, and nothing is sealed with it."""
    KeyRing(folder).rotate(now, MONTH)
    (folder / "00000002.key").write_bytes(written)
    with pytest.raises(SealError, match=r"00000002\.key: not a key"):
        KeyRing(folder).current()


def test_files_of_others_are_left_alone(folder: Path, now: datetime) -> None:
    """What has no key's name is neither read nor removed, but for keys that a crash left half written."""
    keys = KeyRing(folder)
    keys.rotate(now, MONTH)
    (folder / "README").write_text("do not lose these")
    (folder / ".00000002.key.0123456789abcdef.part").write_bytes(b"half")
    assert keys.current().number == 1
    assert keys.forget((), now + DAY) == ()
    assert sorted(path.name for path in folder.iterdir()) == ["00000001.key", "README"]
