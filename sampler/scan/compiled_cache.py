"""Compiled rules, kept from one start to the next. Engines run compiled rules as code, so they come from nobody else.

The folder is this user's own, and nobody else can write to it; otherwise it is not used at all. Each entry begins with
its key and the SHA-256 of the rest, because a damaged one could crash the engine that loads it; a wrong one counts as
absent. What is missing costs time and nothing more: the folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sampler.limits import COMPILED_CACHE_MAX_BYTES, COMPILED_RULES_MAX_BYTES
from sampler.runtime.log import Log
from sampler.runtime.places import is_private

log: Final = Log()

_MAGIC: Final = b"sampler compiled rules 2\n"
_HEAD_BYTES: Final = len(_MAGIC) + 1 + hashlib.sha256().digest_size
"""Beside the key."""
_ENDING: Final = ".compiled"
_KEY: Final = re.compile(r"[0-9a-f]{64}-[a-z]{1,16}")
_KEY_MAX_CHARACTERS: Final = 81


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
        head_bytes = _HEAD_BYTES + len(key)
        payload = memoryview(data)[head_bytes:]
        if data[:head_bytes] != _head(key, payload):
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
            self._write(self._path(key), _head(key, payload), payload)
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
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        """Delete the entries that were not used for longest."""
        entries = sorted(self._entries(), key=lambda entry: entry[0].st_mtime, reverse=True)
        total = 0
        for status, entry in entries:
            total += status.st_size
            if total > COMPILED_CACHE_MAX_BYTES:
                entry.unlink(missing_ok=True)

    def _entries(self) -> Iterator[tuple[os.stat_result, Path]]:
        """All of them, those included that a process began to write and did not come to the end of."""
        for entry in self._folder.iterdir():
            if _ENDING in entry.name:
                with contextlib.suppress(FileNotFoundError):
                    yield entry.lstat(), entry


def _head(key: str, payload: bytes | memoryview) -> bytes:
    """What an entry begins with."""
    return b"%s%s\n%s" % (_MAGIC, key.encode(), hashlib.sha256(payload).digest())


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise OSError(f"{path} is not a file that only we can write to")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        return file.read(COMPILED_RULES_MAX_BYTES + _HEAD_BYTES + _KEY_MAX_CHARACTERS)
