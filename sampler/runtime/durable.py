"""Writing so that a power cut leaves either the old file or the new one, whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_durably(path: Path, chunks: bytes | Iterable[bytes], *, mode: int = 0o600) -> None:
    """Put ``chunks`` at ``path``: temporary file, write, fsync, rename, fsync of the folder.

    Raises:
        OSError: nothing is at ``path`` that was not there before, and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync(2) on the folder itself)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path, *, mode: int = 0o700) -> Path:
    """Create a folder, durably, that others cannot look into; return it."""
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)
        sync_folder(folder.parent)
    return folder
