from __future__ import annotations

from pathlib import Path

import pytest

from sampler.errors import SettingsError, StorageError
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_blobs, open_ledger
from sampler.storage.sqlite_queue import SqliteQueueLedger


def test_a_ledger_is_opened_by_its_url(tmp_path: Path) -> None:
    """``sqlite:///`` and an absolute path, percent-encoded where needed, open that very file."""
    ledger = open_ledger(f"sqlite://{tmp_path}/a%20b.db")
    assert isinstance(ledger, SqliteQueueLedger)
    ledger.close()
    assert (tmp_path / "a b.db").is_file()


@pytest.mark.parametrize("url", ["", "queue.db", "sqlite://", "sqlite:///", "sqlite://host/q.db", "mysql:///q.db"])
def test_what_is_no_ledgers_url_is_refused(url: str) -> None:
    """The error shows how one looks."""
    with pytest.raises(SettingsError, match="sqlite:///absolute"):
        open_ledger(url)


def test_a_ledger_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A folder that is not there is an error with the file's name."""
    with pytest.raises(StorageError, match=r"absent/q\.db"):
        open_ledger(f"sqlite://{tmp_path}/absent/q.db")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_contents_are_a_folder(tmp_path: Path, form: str) -> None:
    """A plain path and a file URL both make the folder."""
    blobs = open_blobs(form.format(tmp_path / "blobs"), reserve_bytes=7)
    assert isinstance(blobs, FolderBlobs)
    assert (tmp_path / "blobs" / "contents").is_dir()


@pytest.mark.parametrize("url", ["", "s3://bucket/x", "file://host/x", "file://"])
def test_what_is_no_place_for_contents_is_refused(url: str) -> None:
    """The error shows how one looks."""
    with pytest.raises(SettingsError, match="write a folder"):
        open_blobs(url)
