from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sampler.errors import SettingsError, StorageError
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_blobs, open_ledger, open_peers
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


@pytest.mark.parametrize("url", ["", "ftp://bucket/x", "file://host/x", "file://"])
def test_what_is_no_place_for_contents_is_refused(url: str) -> None:
    """The error shows how one looks."""
    with pytest.raises(SettingsError, match="write a folder"):
        open_blobs(url)


@pytest.mark.parametrize("url", ["s3://", "s3://key@b/x", "s3://b?secret=x", "s3://b?endpoint=http://elsewhere"])
def test_a_bucket_is_named_without_secrets_and_reached_under_tls(url: str) -> None:
    """A key in the URL, an option that is none, or an endpoint elsewhere in the clear is refused before anything is
    sent."""
    with pytest.raises(SettingsError, match="write s3://BUCKET"):
        open_blobs(url)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL whose library is missing says which extra brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for module in ("postgres_queue", "postgres_connection", "postgres_sessions"):
        monkeypatch.delitem(sys.modules, f"sampler.storage.{module}", raising=False)
    with pytest.raises(SettingsError, match=r"pip install 'sampler\[postgres\]'"):
        open_ledger("postgresql://host/database")


def test_only_a_shared_ledger_has_peers(tmp_path: Path, postgres_url: str) -> None:
    """SQLite's server is alone; PostgreSQL's may have others."""
    assert not open_peers(f"sqlite://{tmp_path}/q.db").shared
    peers = open_peers(postgres_url)
    assert peers.shared
    peers.close()


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    """The error says which one, and nothing that is secret."""
    with pytest.raises(StorageError, match=r"postgresql://127\.0\.0\.1/sampler") as raised:
        open_ledger("postgresql://user:hunter2@127.0.0.1:1/sampler")
    assert "hunter2" not in str(raised.value)
