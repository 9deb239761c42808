from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

import pytest

from sampler.errors import IdentityError, SettingsError
from sampler.identity import Authority
from sampler.runtime.settings import load_settings
from sampler.server import Initialized, QueueSettings, initialize


def _make(folder: Path, now: datetime, *names: str, hosts_listen: str = "127.0.0.1:8443") -> Initialized:
    return initialize(folder, names, hosts_listen=hosts_listen, people_listen="127.0.0.1:8444", now=now)


def test_a_new_queue_has_all_that_serving_needs(tmp_path: Path, current: datetime) -> None:
    """Authority, certificate, ledger, contents, and a configuration that names them; secrets are private."""
    made = _make(tmp_path / "q", current, "queue.example", "10.0.0.1")
    settings = load_settings(QueueSettings, "queue", made.config, {})
    assert settings.folder == tmp_path / "q"
    assert settings.hosts_url == "https://queue.example:8443"
    assert made.fingerprint == Authority.load(settings.authority_folder).fingerprint
    for file in (settings.key, settings.authority_folder / "ca.key", settings.folder / "queue.db", made.config):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (settings.folder / "blobs" / "contents").is_dir()


def test_a_queue_is_never_overwritten(tmp_path: Path, current: datetime) -> None:
    """A second attempt in the same folder changes nothing, with a configuration there or without."""
    made = _make(tmp_path / "q", current, "localhost")
    before = made.config.read_bytes(), (tmp_path / "q" / "ca" / "ca.key").read_bytes()
    with pytest.raises(SettingsError, match="not overwritten"):
        _make(tmp_path / "q", current, "localhost")
    assert before == (made.config.read_bytes(), (tmp_path / "q" / "ca" / "ca.key").read_bytes())
    made.config.unlink()
    with pytest.raises(IdentityError, match="not overwritten"):
        _make(tmp_path / "q", current, "localhost")


def test_what_cannot_be_a_queue_is_refused(tmp_path: Path, current: datetime) -> None:
    """No name, a bad name, a bad place, a folder that cannot be one: each says so."""
    with pytest.raises(SettingsError, match="needs a name"):
        _make(tmp_path / "a", current)
    with pytest.raises(IdentityError, match="neither a DNS name"):
        _make(tmp_path / "b", current, "no/name")
    with pytest.raises(SettingsError, match="HOST:PORT"):
        _make(tmp_path / "c", current, "localhost", hosts_listen="8443")
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="choose a folder"):
        _make(tmp_path / "file" / "q", current, "localhost")
