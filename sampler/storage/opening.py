"""Stores by their URL, so that whoever is above does not know which one it has."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sampler.errors import SettingsError
from sampler.queue import Blobs, Ledger
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger


def open_ledger(url: str) -> Ledger:
    """The queue's ledger: ``sqlite:///absolute/path``.

    Raises:
        SettingsError: it is no such URL.
        StorageError: it cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or not parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(f"ledger {url!r}: not a URL of a ledger; write sqlite:///absolute/path/queue.db")
    return SqliteQueueLedger(Path(unquote(parts.path)))


def open_blobs(url: str, *, reserve_bytes: int = 0) -> Blobs:
    """The queue's contents: a folder, as a path or as ``file:///absolute/path``.

    Raises:
        SettingsError: it is no such URL.
        StorageError: it cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
        return FolderBlobs(Path(unquote(parts.path)), reserve_bytes=reserve_bytes)
    if parts.scheme or not url:
        raise SettingsError(f"blobs {url!r}: not a place for contents; write a folder or file:///absolute/path")
    return FolderBlobs(Path(url), reserve_bytes=reserve_bytes)
