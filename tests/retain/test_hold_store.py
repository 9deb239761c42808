from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.errors import SealError
from sampler.limits import MIB
from sampler.retain import HoldStore
from sampler.runtime.key_ring import KeyRing


def name(number: int) -> str:
    return str(uuid.UUID(int=number))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "held"


@pytest.fixture
def store(folder: Path, keys: KeyRing) -> Callable[..., HoldStore]:
    def make(max_bytes: int = 4 * MIB, max_count: int = 10) -> HoldStore:
        return HoldStore(folder, keys, max_bytes=max_bytes, max_count=max_count)

    return make


def keep(store: HoldStore, number: int, content: bytes) -> bool:
    return store.keep(name(number), b"about %d" % number, len(content), [content])


def content(store: HoldStore, number: int) -> bytes | None:
    with store.opened(name(number)) as kept:
        return None if kept is None else b"".join(kept.read())


def test_what_waits_comes_back_and_lies_encrypted(store: Callable[..., HoldStore], folder: Path) -> None:
    """A store that was opened later reads the same bytes, and none of them lies there plain."""
    assert keep(store(), 1, b"MZ hostile bytes")
    assert content(store(), 1) == b"MZ hostile bytes"
    assert [b"hostile" in file.read_bytes() for file in folder.iterdir()] == [False]


@pytest.mark.parametrize("limits", [{"max_bytes": 4 * MIB}, {"max_count": 2}])
def test_nothing_makes_room_for_another(store: Callable[..., HoldStore], limits: dict[str, int]) -> None:
    """What does not fit any more, by bytes or by number, is not taken, and what waits stays."""
    held = store(**limits)
    taken = [keep(held, number, bytes(MIB)) for number in range(6)]
    assert taken[:2] == [True, True]
    assert not all(taken)
    assert not held.has_room(MIB)
    assert [content(held, number) is not None for number in range(6)] == taken


def test_the_same_object_again_takes_no_more_room(store: Callable[..., HoldStore]) -> None:
    """An object that is flagged again after a crash replaces itself, also in a full store."""
    held = store(max_count=1)
    assert keep(held, 1, b"one")
    assert keep(held, 1, b"one again")
    assert content(held, 1) == b"one again"


def test_a_store_of_no_bytes_keeps_none(store: Callable[..., HoldStore]) -> None:
    """With 0 bytes nothing can be held."""
    assert not store(max_bytes=0).has_room(0)
    assert not keep(store(max_bytes=0), 1, b"")


def test_only_what_nobody_needs_is_swept(store: Callable[..., HoldStore], folder: Path) -> None:
    """Half-written files and those of objects that no longer wait go; the others stay."""
    held = store()
    for number in (1, 2):
        keep(held, number, b"x")
    (folder / f"{name(3)}.sealed.tmp").write_bytes(b"half")
    assert held.sweep({name(1)}) == 2
    assert (held.holds(name(1)), content(held, 2)) == (True, None)
    held.forget(name(1))
    assert not held.holds(name(1))


def test_a_changed_file_is_not_believed(store: Callable[..., HoldStore], folder: Path) -> None:
    """Bytes that somebody changed on the disk are not what a person approves."""
    held = store()
    keep(held, 1, bytes(1000))
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    with pytest.raises(SealError):
        content(held, 1)
