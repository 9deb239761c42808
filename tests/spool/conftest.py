"""Spools in throwaway folders, and objects to put into them."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.limits import MIB
from sampler.model import (
    Content,
    ObjectRecord,
    ObjectState,
    Parcel,
    Part,
    PartKind,
    Reason,
    Sampling,
    Scope,
    StatementRef,
    parcel,
)
from sampler.runtime.key_ring import KeyRing
from sampler.spool import NO_WORTH, Spool, Worth
from sampler.spool.ends import OnEnded
from sampler.storage.sqlite_spool import SqliteSpoolLedger

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def open_spool(folder: Path, tmp_path: Path, keys: KeyRing) -> Iterator[Callable[..., Spool]]:
    """Opens the spool in ``folder``, as a process that starts again does."""
    opened: list[Spool] = []

    def make(*, max_bytes: int = 64 * MIB, reserve_bytes: int = 0, on_ended: OnEnded = lambda _end: None) -> Spool:
        ledger = SqliteSpoolLedger(tmp_path / "ledger.sqlite")
        spool = Spool(folder, ledger, keys, max_bytes=max_bytes, reserve_bytes=reserve_bytes, on_ended=on_ended)
        opened.append(spool)
        return spool

    yield make
    for spool in opened:
        spool.close()


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool()


class Thing:
    """An object to spool: its record, its parcel, its bytes."""

    def __init__(self, data: bytes, places: list[tuple[int, int]], state: ObjectState, number: int) -> None:
        self.event_id = str(uuid.UUID(int=number))
        self.data = data
        self.manifest = b'{"id": %d}' % number
        self.contents = tuple(self._content(offset, length) for offset, length in places)
        whole = hashlib.sha256(data).hexdigest()
        self.record = ObjectRecord(
            self.event_id, state, NOW, NOW, 0, Reason.DETECTION, sha256=whole, size=len(data), sampling=Sampling.PARTS
        )
        self.parcel = Parcel(
            self.event_id,
            NOW,
            whole,
            len(data),
            StatementRef("basic", 1, "0" * 64),
            frozenset({Scope.METADATA, Scope.PARTS}),
            (),
            (),
            self.contents,
            (),
            (),
            seal=parcel._SEAL,
        )

    def _content(self, offset: int, length: int) -> Content:
        sha256 = hashlib.sha256(self.data[offset : offset + length]).hexdigest()
        if (offset, length) == (0, len(self.data)):
            return Content(sha256, length, 0)
        return Content(sha256, length, offset, Part(PartKind.SECTION, ".text", offset, length, sha256))

    def read(self, content: Content) -> Iterator[bytes]:
        """A content's bytes, in small chunks."""
        end = content.offset + content.size
        for start in range(content.offset, end, 1000):
            yield self.data[start : min(start + 1000, end)]

    def put_into(self, spool: Spool, worth: Worth = NO_WORTH) -> str:
        spool.put(self.record, self.parcel, self.manifest, self.read, worth=worth)
        return self.event_id


@pytest.fixture
def thing() -> Callable[..., Thing]:
    """Makes objects: whole, or the parts at the given (offset, length) places."""
    numbers = itertools.count(1)

    def make(
        data: bytes, places: list[tuple[int, int]] | None = None, *, state: ObjectState = ObjectState.SPOOLED
    ) -> Thing:
        return Thing(data, [(0, len(data))] if places is None else places, state, next(numbers))

    return make


@pytest.fixture
def files(folder: Path) -> Callable[[], list[str]]:
    """The names of everything in the folder of contents, those of sealed contents by their SHA-256."""
    return lambda: sorted(path.name.removesuffix(".sealed") for path in (folder / "contents").glob("*/*"))


_PROGRAM = """
import hashlib, itertools, os, resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sampler.errors import SpoolFull
from sampler.model import *
from sampler.model import parcel
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Spool, Worth
from sampler.storage.sqlite_spool import SqliteSpoolLedger

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
folder = Path(sys.argv[1])
keys = KeyRing(folder / "keys")
keys.rotate(NOW, timedelta(days=1))
spool = Spool(folder / "spool", SqliteSpoolLedger(folder / "ledger.sqlite"), keys, max_bytes=1 << 30, reserve_bytes=0)
spool.sweep()

def put(event_id, data, worth=Worth(), into=spool):
    sha256 = hashlib.sha256(data).hexdigest()
    sealed = parcel.Parcel(event_id, NOW, sha256, len(data), StatementRef("basic", 1, "0" * 64), frozenset(), (), (),
                           (Content(sha256, len(data), 0),), (), (), seal=parcel._SEAL)
    record = ObjectRecord(event_id, ObjectState.SPOOLED, NOW, NOW, 0, Reason.DETECTION)
    into.put(record, sealed, b"{}", lambda content: [data], worth=worth)
"""


@pytest.fixture
def program() -> str:
    """The beginning of a process of its own: a spool in the folder of its first argument, and ``put``."""
    return _PROGRAM
