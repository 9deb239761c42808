"""The keys of files at rest: made, found, succeeded, forgotten."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.errors import SealError, SealKeyMissing
from sampler.runtime.key_ring import KEY_BYTES, KeyRing

MONTH = timedelta(days=30)
DAY = timedelta(days=1)
FIRST = int(datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp())
"""The number of a key that is made at ``now``."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_first_key(folder: Path, now: datetime) -> None:
    """None is made by asking; the first that is made is private, and the next process has the same."""
    with pytest.raises(SealKeyMissing, match="start the agent"):
        KeyRing(folder).current()
    assert KeyRing(folder).rotate(now, MONTH)
    key = KeyRing(folder).current()
    assert (key.number, len(key.secret), key.made) == (FIRST, KEY_BYTES, now)
    assert KeyRing(folder).get(FIRST) == key
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert key.secret.hex() not in repr(key)


@pytest.mark.parametrize(
    ("later", "number"), [(DAY, FIRST), (MONTH - DAY, FIRST), (MONTH, FIRST + 30 * 86_400), (-DAY, FIRST + 1)]
)
def test_succession(folder: Path, now: datetime, later: timedelta, number: int) -> None:
    """A key of the age gets a successor, and one from the future too, or a clock that jumped would keep it for ever."""
    keys = KeyRing(folder)
    keys.rotate(now, MONTH)
    first = keys.current()
    assert keys.rotate(now + later, MONTH) == (number != FIRST)
    assert (keys.current().number, keys.get(FIRST)) == (number, first)


def test_a_reader_in_another_process_finds_a_new_key(folder: Path, now: datetime) -> None:
    """A ring that was opened before a key was made has it all the same."""
    writer, reader = KeyRing(folder), KeyRing(folder)
    writer.rotate(now, MONTH)
    assert reader.current().number == FIRST
    writer.rotate(now + MONTH, MONTH)
    assert reader.current() == writer.current()


def test_what_is_used_or_young_is_not_forgotten(folder: Path, now: datetime) -> None:
    """A key goes when nothing is encrypted with it and its successor is a day old; the latest never does."""
    keys = KeyRing(folder)
    for number in range(3):
        keys.rotate(now + number * MONTH, MONTH)
    latest = now + 2 * MONTH
    first, second, third = (int(path.stem) for path in sorted(folder.iterdir()))
    assert keys.forget({second}, latest + DAY / 2) == ()
    assert keys.forget({second}, latest + DAY) == (first,)
    assert keys.forget((), latest + DAY) == (second,)
    assert [path.name for path in folder.iterdir()] == [f"{third}.key"]
    with pytest.raises(SealKeyMissing, match="restore it"):
        keys.get(first)


def test_a_key_after_all_were_lost(folder: Path, now: datetime) -> None:
    """A new beginning is not taken for the key that was there before: what that one sealed waits for it."""
    KeyRing(folder).rotate(now, MONTH)
    lost = KeyRing(folder).current()
    shutil.rmtree(folder)
    again = KeyRing(folder)
    again.rotate(now + DAY, MONTH)
    with pytest.raises(SealKeyMissing):
        again.get(lost.number)


def test_the_key_from_before_there_were_several(folder: Path, tmp_path: Path, now: datetime) -> None:
    """It opens under the number 0, never seals, and goes like the others."""
    first = tmp_path / "seal.key"
    first.write_bytes(b"k" * KEY_BYTES)
    keys = KeyRing(folder, first=first)
    keys.rotate(now, MONTH)
    assert (keys.get(0).secret, keys.get(0).made) == (b"k" * KEY_BYTES, datetime(1970, 1, 1, tzinfo=UTC))
    assert keys.current().number == FIRST
    assert keys.forget({0}, now + DAY) == ()
    assert keys.forget((), now + DAY) == (0,)
    assert not first.exists()


@pytest.mark.parametrize("written", [b"", b"k" * 39, b"k" * 41, b"k" * 4096])
def test_what_is_no_key(folder: Path, now: datetime, written: bytes) -> None:
    """A file that is no key is named, and nothing is sealed with it."""
    KeyRing(folder).rotate(now, MONTH)
    (folder / "9000000000.key").write_bytes(written)
    with pytest.raises(SealError, match=r"9000000000\.key: not a key"):
        KeyRing(folder).current()


def test_files_of_others_are_left_alone(folder: Path, now: datetime) -> None:
    """What has no key's name is neither read nor removed, but for keys that a crash left half written."""
    keys = KeyRing(folder)
    keys.rotate(now, MONTH)
    (folder / "README").write_text("do not lose these")
    (folder / ".1800000000.key.0123456789abcdef.part").write_bytes(b"half")
    assert keys.current().number == FIRST
    assert keys.forget((), now + DAY) == ()
    assert sorted(path.name for path in folder.iterdir()) == [f"{FIRST}.key", "README"]
