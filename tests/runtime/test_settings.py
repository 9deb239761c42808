"""Settings: defaults, file, environment, and errors that name their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampler.agent.settings import AgentSettings
from sampler.errors import SettingsError
from sampler.model import Sampling
from sampler.runtime.settings import load_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "agent.toml"
    file.write_text(text)
    return file


def test_defaults_hold_without_file_and_environment() -> None:
    """No file and no variable: the documented defaults."""
    assert load_settings(AgentSettings, "agent", None, {}) == AgentSettings()


def test_file_sets_values(tmp_path: Path) -> None:
    """The file's values stand where it has some, the defaults elsewhere."""
    file = write(tmp_path, '[spool]\nmax_bytes = 5\n\n[rules."some_rule"]\nsampling = "whole"\n')
    settings = load_settings(AgentSettings, "agent", file, {})
    assert settings.spool.max_bytes == 5
    assert settings.spool.reserve_bytes == AgentSettings().spool.reserve_bytes
    assert settings.rules["some_rule"].sampling is Sampling.WHOLE


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("SAMPLER_AGENT_SOCKET", "/run/x.sock", ("socket",), "/run/x.sock"),
        ("SAMPLER_AGENT_SPOOL__MAX_BYTES", "77", ("spool", "max_bytes"), 77),
        ("SAMPLER_AGENT_POLICY__EXCLUDE_PATHS", '["/home/*"]', ("policy", "exclude_paths"), ["/home/*"]),
        ("SAMPLER_AGENT_EXAMINE__SHIPPED_RULES", "false", ("examine", "shipped_rules"), False),
    ],
)
def test_environment_wins_over_file(tmp_path: Path, name: str, text: str, path: tuple[str, ...], value: object) -> None:
    """Every value can come from the environment, which is nearer than the file."""
    file = write(tmp_path, 'socket = "/from/file"\n[spool]\nmax_bytes = 5\n')
    settings: object = load_settings(AgentSettings, "agent", file, {name: text, "SAMPLER_QUEUE_X": "1"})
    for key in path:
        settings = getattr(settings, key)
    assert settings == value


def test_unknown_key_is_named_with_its_line_and_the_nearest_right_one(tmp_path: Path) -> None:
    """A slip of the pen is answered with the key that was meant."""
    file = write(tmp_path, 'socket = "/x"\n\n[spool]\nmax_bites = 5\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(AgentSettings, "agent", file, {})
    assert str(caught.value) == f"{file}:4: unknown key 'spool.max_bites'; did you mean 'max_bytes'?"


def test_unknown_section_lists_what_is_known(tmp_path: Path) -> None:
    """Nothing near it: the known keys."""
    file = write(tmp_path, "[zzz]\na = 1\n")
    with pytest.raises(SettingsError, match=r":1: unknown key 'zzz'; known here: .*spool"):
        load_settings(AgentSettings, "agent", file, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[spool]\nmax_bytes = 'much'\n", r":2: bad value for 'spool.max_bytes': Expected `int`, got `str`"),
        ("[spool]\nmax_bytes = 0\n", r":2: bad value for 'spool.max_bytes': Expected `int` >= 1"),
        ("[policy]\n\nwhole = 'yes'\n", r":3: bad value for 'policy.whole': Invalid enum value 'yes'"),
        ("spool = 3\n", r":1: bad value for 'spool': Expected `object`, got `int`"),
    ],
)
def test_bad_value_is_named_with_its_line_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    """File, line, key, and what is expected."""
    with pytest.raises(SettingsError, match=expected):
        load_settings(AgentSettings, "agent", write(tmp_path, text), {})


def test_bad_value_from_the_environment_names_the_variable() -> None:
    """The place of a fault is the variable when it came from there."""
    with pytest.raises(SettingsError, match="environment variable SAMPLER_AGENT_QUEUE__PARALLEL: bad value"):
        load_settings(AgentSettings, "agent", None, {"SAMPLER_AGENT_QUEUE__PARALLEL": "many"})
    with pytest.raises(SettingsError, match="environment variable SAMPLER_AGENT_SOCKIT: unknown key 'sockit'"):
        load_settings(AgentSettings, "agent", None, {"SAMPLER_AGENT_SOCKIT": "x"})


def test_a_section_of_the_environment_does_not_hide_a_bad_section_of_the_file(tmp_path: Path) -> None:
    """A section that is a number in the file stays an error when the environment sets a key of it."""
    file = write(tmp_path, "spool = 3\n")
    with pytest.raises(SettingsError, match="bad value for 'spool'"):
        load_settings(AgentSettings, "agent", file, {"SAMPLER_AGENT_SPOOL__MAX_BYTES": "5"})


def test_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Absent, not TOML, not text, a folder: each says so."""
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings(AgentSettings, "agent", tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(AgentSettings, "agent", write(tmp_path, "a ="), {})
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(AgentSettings, "agent", tmp_path / "agent.toml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(AgentSettings, "agent", tmp_path, {})
