from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.errors import SealError
from sampler.retain import RetainStore
from sampler.runtime.key_ring import KeyRing

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def name(number: int) -> str:
    return str(uuid.UUID(int=number))


@pytest.fixture
def store(tmp_path: Path, keys: KeyRing) -> Callable[..., RetainStore]:
    def make(max_bytes: int = 10_000, seconds: float = 3600.0) -> RetainStore:
        return RetainStore(tmp_path / "retained", keys, max_bytes=max_bytes, seconds=seconds)

    return make


def keep(store: RetainStore, number: int, content: bytes, at: datetime = NOW) -> bool:
    kept = store.keep(name(number), b"about %d" % number, len(content), [content], at)
    for file in store._folder.path.glob(f"{name(number)}*"):
        os.utime(file, (at.timestamp(), at.timestamp()))
    return kept


def content(store: RetainStore, number: int, at: datetime = NOW) -> bytes | None:
    with store.opened(name(number), at) as kept:
        if kept is None:
            return None
        assert kept.about == b"about %d" % number
        read = b"".join(kept.read())
        assert kept.size == len(read)
        return read


def test_what_is_kept_comes_back_and_lies_encrypted(store: Callable[..., RetainStore]) -> None:
    """The bytes and what is known of them are read again, also by a store that was opened later; none is plain."""
    assert keep(store(), 1, b"MZ hostile bytes")
    assert keep(store(), 2, b"")
    assert content(store(), 1) == b"MZ hostile bytes"
    assert content(store(), 2) == b""
    files = list(store()._folder.path.iterdir())
    assert all(b"hostile" not in file.read_bytes() and file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_time_ends_it(store: Callable[..., RetainStore]) -> None:
    """After its seconds a snapshot is gone from the disk, whether or not anyone asks."""
    kept = store(seconds=60)
    keep(kept, 1, b"x" * 100)
    assert content(kept, 1, NOW + timedelta(seconds=59)) is not None
    kept.sweep(NOW + timedelta(seconds=60))
    assert (content(kept, 1), kept.used_bytes()) == (None, 0)


def test_the_oldest_make_room(store: Callable[..., RetainStore]) -> None:
    """What is kept never takes more than its ceiling; the newest stay."""
    kept = store(max_bytes=10_000)
    for number in range(10):
        assert keep(kept, number, b"x" * 3_000, NOW + timedelta(seconds=number))
        assert kept.used_bytes() <= 10_000 + 200
    assert [number for number in range(10) if content(kept, number, NOW + timedelta(seconds=10)) is not None] == [
        7,
        8,
        9,
    ]


def test_what_cannot_fit_is_not_kept_and_costs_nothing(store: Callable[..., RetainStore]) -> None:
    """An object above the ceiling does not push the others out; a ceiling of 0 keeps nothing at all."""
    kept = store(max_bytes=1_000)
    keep(kept, 1, b"x" * 100)
    assert not keep(kept, 2, b"x" * 2_000)
    assert content(kept, 1) is not None
    assert not keep(store(max_bytes=0), 3, b"x")


def test_an_owner_takes_all_of_it_back(store: Callable[..., RetainStore]) -> None:
    """One snapshot, or every one, can be let go."""
    kept = store()
    for number in range(3):
        keep(kept, number, b"x")
    kept.forget(name(0))
    assert content(kept, 0) is None
    assert kept.forget_all() == 2
    assert kept.used_bytes() == 0


def test_a_changed_file_is_not_believed(store: Callable[..., RetainStore]) -> None:
    """Whoever writes into the folder makes an error, not a snapshot."""
    kept = store()
    keep(kept, 1, b"x" * 100)
    (file,) = kept._folder.path.iterdir()
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    with pytest.raises(SealError):
        content(kept, 1)


def test_half_written_files_go_and_those_being_written_stay(store: Callable[..., RetainStore]) -> None:
    """What a crash left is swept; a snapshot that is written at this moment is not."""
    kept = store()
    (kept._folder.path / ".left.part").write_bytes(b"half")
    kept.sweep(NOW)
    assert list(kept._folder.path.iterdir()) == []
    sweeping = threading.Thread(target=kept.sweep, args=(datetime.now(UTC),))

    def chunks() -> object:
        yield b"x" * 10
        sweeping.start()
        yield b"y" * 10

    assert kept.keep(name(1), b"about 1", 20, chunks(), datetime.now(UTC))  # type: ignore[arg-type]
    sweeping.join()
    with kept.opened(name(1), datetime.now(UTC)) as one:
        assert one is not None


def test_names_are_event_ids_and_nothing_else(store: Callable[..., RetainStore]) -> None:
    """No name leads out of the folder."""
    for bad in ("../../etc/passwd", "", "x" * 36, name(1).upper().replace("0", "G")):
        with pytest.raises(ValueError, match="not an event id"):
            store().forget(bad)
