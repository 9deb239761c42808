"""``client.toml`` and its values in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampler.errors import SettingsError
from sampler.identity import make_token
from sampler.wire.routes import Role
from sampler.worker import ClientSettings, load_client_settings

TOKEN = make_token(Role.ANALYST)


def _file(path: Path, **values: str) -> Path:
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in values.items()))
    path.chmod(0o600)
    return path


@pytest.fixture
def good() -> dict[str, str]:
    return {"url": "https://queue:8444", "ca": "~/ca.pem", "token": TOKEN}


def test_the_file_is_read(tmp_path: Path, good: dict[str, str], monkeypatch: Any) -> None:
    """The named file's values are the settings; a home folder in the CA's path is filled in."""
    monkeypatch.setenv("HOME", "/home/someone")
    settings = load_client_settings(_file(tmp_path / "client.toml", **good), {})
    assert (settings.url, settings.token) == (good["url"], TOKEN)
    assert settings.ca_file == Path("/home/someone/ca.pem")


def test_the_environment_is_enough(good: dict[str, str], tmp_path: Path, monkeypatch: Any) -> None:
    """All values may come from the environment, without any file."""
    monkeypatch.setattr("sampler.worker.settings.config_folder", lambda _environment: tmp_path)
    environment = {f"SAMPLER_CLIENT_{name.upper()}": value for name, value in good.items()}
    assert load_client_settings(None, environment) == ClientSettings(**good)


def test_the_default_file_is_found(good: dict[str, str], tmp_path: Path, monkeypatch: Any) -> None:
    """Without a named file the configuration folder's is read."""
    monkeypatch.setattr("sampler.worker.settings.config_folder", lambda _environment: tmp_path)
    _file(tmp_path / "client.toml", **good)
    assert load_client_settings(None, {}).url == good["url"]


def test_nothing_at_all_says_what_to_write(tmp_path: Path, monkeypatch: Any) -> None:
    """Where nothing says which queue, the error names the file and the variables."""
    monkeypatch.setattr("sampler.worker.settings.config_folder", lambda _environment: tmp_path)
    with pytest.raises(SettingsError, match=rf"{tmp_path}/client\.toml: there is no such file; .*SAMPLER_CLIENT_TOKEN"):
        load_client_settings(None, {})
    with pytest.raises(SettingsError, match=r"other\.toml: there is no such file"):
        load_client_settings(tmp_path / "other.toml", {})


def test_a_readable_token_is_refused(tmp_path: Path, good: dict[str, str]) -> None:
    """A file with a token is as private as a key."""
    file = _file(tmp_path / "client.toml", **good)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match=f"chmod 600 {file}"):
        load_client_settings(file, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://queue:8444"}, "url begins with https://"),
        ({"ca": ""}, "ca names the file"),
        ({"token": "smp_worker_short"}, "token: this is not a token"),
        ({"tokn": "x"}, "did you mean 'token'"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, good: dict[str, str], change: dict[str, str], words: str) -> None:
    """A bad value or unknown key is refused with the file's name and what would be right."""
    with pytest.raises(SettingsError, match=words) as refused:
        load_client_settings(_file(tmp_path / "client.toml", **good | change), {})
    assert "client.toml" in str(refused.value)


def test_a_token_does_not_show(good: dict[str, str]) -> None:
    """Settings that end up in a log do not give the token away, and neither does a refusal."""
    assert TOKEN not in repr(ClientSettings(**good))
    with pytest.raises(ValueError, match="not a token") as refused:
        ClientSettings(**good | {"token": TOKEN + "x"})
    assert TOKEN not in str(refused.value)
