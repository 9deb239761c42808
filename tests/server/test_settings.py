from __future__ import annotations

from pathlib import Path

import pytest

from sampler.errors import SettingsError
from sampler.model import Conclusion
from sampler.queue import Stage
from sampler.runtime.settings import load_settings
from sampler.server.settings import QueueSettings, join_address, split_address


def _load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> QueueSettings:
    file = tmp_path / "queue.toml"
    file.write_text(text)
    return load_settings(QueueSettings, "queue", file, environment or {})


def test_a_folder_is_enough(tmp_path: Path) -> None:
    """Everything else has a default, below that folder."""
    settings = _load(tmp_path, f'state = "{tmp_path}/a b"')
    assert settings.ledger_url == f"sqlite://{tmp_path}/a%20b/queue.db"
    assert settings.blobs_url == f"file://{tmp_path}/a%20b/blobs"
    assert settings.policy.retry.max_attempts == 5
    assert settings.policy.uploads_per_device_max == 64


def test_every_value_comes_from_the_environment_too(tmp_path: Path) -> None:
    """A variable stands above the file."""
    environment = {"SAMPLER_QUEUE_TASKS__MAX_ATTEMPTS": "9", "SAMPLER_QUEUE_BLOBS": "/elsewhere"}
    settings = _load(tmp_path, 'state = "/s"\n[tasks]\nmax_attempts = 2', environment)
    assert settings.policy.retry.max_attempts == 9
    assert settings.blobs_url == "/elsewhere"


def test_stages_are_a_plan(tmp_path: Path) -> None:
    """Who looks at an object in which order is a list of tables; none is one stage for whoever asks."""
    assert _load(tmp_path, 'state = "/s"').policy.plan == (Stage(),)
    text = """state = "/s"
[[tasks.stages]]
kind = "static"
optional = true
[[tasks.stages]]
kind = "sandbox"
only_after = ["suspicious", "unknown"]
"""
    plan = _load(tmp_path, text).policy.plan
    assert plan == (
        Stage("static", optional=True),
        Stage("sandbox", only_after=(Conclusion.SUSPICIOUS, Conclusion.UNKNOWN)),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('state = "/s"\n[[tasks.stages]]\nkind = "Static"', "stages"),
        ('state = "/s"\n[[tasks.stages]]\nkind = "a"\nonly_after = ["benign"]', "first stage"),
        ("", "state"),
        ('state = "/s"\nport = 1', "unknown key 'port'"),
        ('state = "/s"\n[tasks]\nmax_atempts = 1', "did you mean 'max_attempts'"),
        ('state = "/s"\n[tasks]\nmax_attempts = 0', "tasks.max_attempts"),
        ('state = "/s"\nhosts_listen = "nowhere"', "hosts_listen"),
        ('state = "/s"\n[uploads]\nreserve_bytes = -1', "uploads.reserve_bytes"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """Missing, unknown and impossible values are refused with their key."""
    with pytest.raises(SettingsError, match=reason):
        _load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:8443", "::1", 8443), ("q.example:1", "q.example", 1)],
)
def test_a_place_is_host_and_port(text: str, host: str, port: int) -> None:
    """Addresses of both families and names go apart and together again."""
    assert split_address(text) == (host, port)
    assert join_address(host, port) == text


@pytest.mark.parametrize("text", ["", "8443", ":8443", "host:", "host:x", "host:65536"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """The error shows how one looks."""
    with pytest.raises(SettingsError, match="HOST:PORT"):
        split_address(text)
