"""Stores by their URL, so that whoever is above does not know which one it has.

What an extra brings is imported only when a URL asks for it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Final
from urllib.parse import unquote, urlsplit

from sampler.errors import SettingsError
from sampler.queue import Alone, Blobs, Ledger, Peers
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger

_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def open_ledger(url: str) -> Ledger:
    """The queue's ledger: ``sqlite:///absolute/path``, or ``postgresql://HOST/DATABASE``.

    Raises:
        SettingsError: it is no such URL, or what it takes is not installed.
        StorageError: it cannot be opened.
    """
    if urlsplit(url).scheme in _POSTGRES:
        opened: Ledger = _extra("postgres_queue", "postgres").PostgresQueueLedger(url)
        return opened
    return SqliteQueueLedger(_sqlite_path(url))


def open_peers(url: str) -> Peers:
    """The other servers of the ledger at this URL; SQLite's has none.

    Raises:
        SettingsError: it is no URL of a ledger, or what it takes is not installed.
    """
    if urlsplit(url).scheme in _POSTGRES:
        opened: Peers = _extra("postgres_peers", "postgres").PostgresPeers(url)
        return opened
    _sqlite_path(url)
    return Alone()


def open_blobs(url: str, *, reserve_bytes: int = 0) -> Blobs:
    """The queue's contents: a folder, as a path or as ``file:///absolute/path``, or ``s3://BUCKET/PREFIX``.

    Raises:
        SettingsError: it is no such URL, or what it takes is not installed.
        StorageError: it cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        opened: Blobs = _extra("s3_blobs", "s3").S3Blobs(url)
        return opened
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
        return FolderBlobs(Path(unquote(parts.path)), reserve_bytes=reserve_bytes)
    if parts.scheme or not url:
        raise SettingsError(
            f"blobs {url!r}: not a place for contents; write a folder, file:///absolute/path or s3://BUCKET/PREFIX"
        )
    return FolderBlobs(Path(url), reserve_bytes=reserve_bytes)


def _sqlite_path(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or not parts.path.strip("/") or parts.query or parts.fragment:
        shown = "sqlite:///absolute/path/queue.db or postgresql://HOST/DATABASE"
        raise SettingsError(f"ledger {parts.scheme}://…: not a URL of a ledger; write {shown}")
    return Path(unquote(parts.path))


def _extra(module: str, name: str) -> ModuleType:
    """A module whose libraries ship as an extra."""
    try:
        return importlib.import_module(f"sampler.storage.{module}")
    except ImportError as error:
        raise SettingsError(f"{error}; install it with: pip install 'sampler[{name}]'") from error
