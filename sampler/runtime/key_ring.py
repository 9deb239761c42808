"""The keys that files at rest are encrypted with: a folder of its own, one file a key, numbered, never written twice.

The highest number seals, all of them open. A new one is made when the latest has reached an age; an old one is removed
when nothing is sealed with it any more, and what was ever read of the disk before can then no longer be opened.

A key's number is the second of its making, or the next one that is free where a clock jumped back: so no key that is
made after all were lost is taken for one of those, and what they sealed can be read when they are restored. A key file
has 8 bytes, that second (big-endian, since 1970), and the 32 bytes of the key.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from sampler.errors import SealError, SealKeyMissing
from sampler.runtime.durable import make_private_folder, sync_folder, write_durably

KEY_BYTES: Final = 32
FIRST_NUMBER: Final = 0
"""Of the one key that there was before keys had numbers."""
_MADE_BYTES: Final = 8
_NAME: Final = re.compile(r"(\d{10})\.key")
_SETTLED: Final = timedelta(days=1)
"""No file takes this long to write, so none is begun with an older key afterwards."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """One key."""

    number: int
    secret: bytes = field(repr=False)
    made: datetime
    """UTC; for the first key the beginning of time."""


class Keys(Protocol):
    """What sealing and opening need."""

    def current(self) -> SealKey:
        """The key to seal with."""

    def get(self, number: int) -> SealKey:
        """The key to open with.

        Raises:
            SealKeyMissing: it is not there.
        """


class KeyRing:
    """The keys of one host. Blocking; safe for several threads, and for readers in other processes.

    Args:
        folder: of its own; made when the first key is.
        first: the file of the key that there was before this folder, if there was one: 32 bytes.
    """

    def __init__(self, folder: Path, *, first: Path | None = None) -> None:
        self._folder = folder
        self._first = first
        self._known: dict[int, SealKey] = {}
        self._lock = threading.Lock()

    def current(self) -> SealKey:
        """The key to seal with.

        Raises:
            SealKeyMissing: none was made yet.
            SealError: what is there is no key.
        """
        with self._lock:
            numbers = self._numbers()
            if not numbers:
                raise SealKeyMissing(f"{self._folder}: no key to encrypt with was made yet; start the agent")
            return self._load(numbers[-1])

    def get(self, number: int) -> SealKey:
        """The key to open with.

        Raises:
            SealKeyMissing: it is not there; with it, what it sealed could be read.
            SealError: what is there is no key.
        """
        with self._lock:
            return self._load(number)

    def rotate(self, now: datetime, after: timedelta) -> bool:
        """Make a new key where there is none, or the latest one is not of the last ``after``; whether one was made.

        Raises:
            SealError: what is there is no key.
            OSError: it cannot be written; the latest one still seals.
        """
        with self._lock:
            numbers = self._numbers()
            if numbers and timedelta() <= now - self._load(numbers[-1]).made < after:
                return False
            made = int(now.timestamp())
            number = max(made, numbers[-1] + 1) if numbers else made
            make_private_folder(self._folder)
            secret = os.urandom(KEY_BYTES)
            write_durably(self._path(number), made.to_bytes(_MADE_BYTES, "big") + secret, mode=0o600)
            return True

    def forget(self, used: Collection[int], now: datetime) -> tuple[int, ...]:
        """Remove the keys that nothing is sealed with, and nothing will be; their numbers.

        Args:
            used: numbers of the keys that some file, whole or half written, is sealed with.
            now: a key that was the latest less than a day ago stays.
        """
        with self._lock:
            numbers = self._numbers()
            if not numbers or now - self._load(numbers[-1]).made < _SETTLED:
                return ()
            present = ([FIRST_NUMBER] if self._path(FIRST_NUMBER).exists() else []) + numbers[:-1]
            for half_written in self._folder.glob(".*.part"):
                half_written.unlink(missing_ok=True)
            gone = tuple(number for number in present if number not in used)
            for number in gone:
                self._known.pop(number, None)
                self._path(number).unlink(missing_ok=True)
                sync_folder(self._path(number).parent)
            return gone

    def _numbers(self) -> list[int]:
        """Of the keys in the folder, in their order."""
        names = (path.name for path in self._folder.iterdir()) if self._folder.is_dir() else ()
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def _load(self, number: int) -> SealKey:
        if number not in self._known:
            self._known[number] = self._read(number)
        return self._known[number]

    def _read(self, number: int) -> SealKey:
        path = self._path(number)
        try:
            with path.open("rb") as file:
                written = file.read(_MADE_BYTES + KEY_BYTES + 1)
        except FileNotFoundError as error:
            raise SealKeyMissing(f"{path}: this key is gone; restore it, and what it sealed can be read") from error
        made_bytes = 0 if number == FIRST_NUMBER else _MADE_BYTES
        if len(written) != made_bytes + KEY_BYTES:
            raise SealError(f"{path}: not a key; move it away, and what it sealed is lost")
        made = datetime.fromtimestamp(int.from_bytes(written[:made_bytes], "big") % 2**37, UTC)
        return SealKey(number, written[made_bytes:], made)

    def _path(self, number: int) -> Path:
        if number == FIRST_NUMBER:
            return self._first if self._first is not None else self._folder / "first.key"
        return self._folder / f"{number:010d}.key"
