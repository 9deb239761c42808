"""Compiled rules, kept from one start to the next. Engines run compiled rules as code, so they come from nobody else.

The folder is this user's own, and nobody else can write to it; otherwise it is not used at all. Each entry begins with
the SHA-256 of the rest, because a damaged one could crash the engine that loads it; a wrong one counts as absent. What
is missing costs time and nothing more: the folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Final

from sampler.limits import COMPILED_CACHE_MAX_BYTES, COMPILED_RULES_MAX_BYTES
from sampler.runtime.log import Log
from sampler.runtime.places import is_private

log: Final = Log()

_MAGIC: Final = b"sampler compiled rules 1\n"
_DIGEST_BYTES: Final = 32
_ENDING: Final = ".compiled"
_KEY: Final = re.compile(r"[0-9a-f]{64}-[a-z]+")


class CompiledCache:
    """Entries by key; a key names everything that the entry depends on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """What was kept, or ``None``."""
        if not self._is_private():
            return None
        try:
            data = _read(self._path(key))
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST_BYTES
        payload = memoryview(data)[head:]
        if data[:head] != _MAGIC + hashlib.sha256(payload).digest():
            log.warning("a kept compiled rule set is damaged; the rules are compiled anew", key=key)
            return None
        with contextlib.suppress(OSError):
            os.utime(self._path(key))
        return bytes(payload)

    def put(self, key: str, payload: bytes) -> None:
        """Keep an entry, unless the folder is not fit for it or the disk is full; old entries make room."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_private() or len(payload) > COMPILED_RULES_MAX_BYTES:
                return
            self._write(self._path(key), _MAGIC + hashlib.sha256(payload).digest(), payload)
            self._make_room()
        except OSError as error:
            log.info("compiled rules cannot be kept", folder=str(self._folder), error=str(error))

    def _is_private(self) -> bool:
        if is_private(self._folder):
            return True
        if self._folder.exists():
            log.warning("the folder for compiled rules is not used: others can write to it", folder=str(self._folder))
        return False

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of compiled rules: {key!r}")
        return self._folder / (key + _ENDING)

    def _write(self, path: Path, *chunks: bytes) -> None:
        """Whole or not at all; not synced, since a torn entry is noticed and costs time only."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        """Delete the entries that were not used for longest."""
        entries = sorted(self._folder.glob(f"*{_ENDING}"), key=lambda entry: entry.stat().st_mtime, reverse=True)
        total = 0
        for entry in entries:
            total += entry.stat().st_size
            if total > COMPILED_CACHE_MAX_BYTES:
                entry.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise OSError(f"{path} is not a file of our own")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        return file.read(COMPILED_RULES_MAX_BYTES + len(_MAGIC) + _DIGEST_BYTES)
