"""``sampler scan`` in this process, with places of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sampler.cli.main import main

RULES = r"""
rule needle : first second {
    meta:
        text = "a \"quoted\" \\ word\t\x01" number = 7 below = -2 yes = true no = false
    strings:
        $hex = { 4D 5A ?? 41 } $text = "needle" $wide = "wi" wide $long = { 30 [70-80] 31 }
    condition: any of them
}
rule named { condition: filename == "special" }
rule own { condition: setting == 5 }
private rule hidden { condition: true }
rule plain { condition: hidden and filesize == 3 }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command looks for settings and keeps what it remembers; root's own places are left alone."""
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    monkeypatch.setattr("sampler.runtime.places.config_folder", lambda environment: made / "config")
    monkeypatch.setattr("sampler.runtime.places.cache_folder", lambda environment: made / "cache")
    return made


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yar").write_text(RULES)
    return folder


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``tree`` in the current folder: one clean file, one with matches, one that only its name gives away."""
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "clean").write_bytes(b"hay")
    (folder / "found").write_bytes(b"..needle MZ\x90A w\0i\0 needle\xff 0" + b"x" * 75 + b"1")
    (folder / "sub" / "special").write_bytes(b"hay hay")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def scan(home: Path, rules: Path) -> Callable[..., Result]:
    """Run ``sampler scan`` with the rules."""

    def run(*arguments: object, given: bytes | None = None) -> Result:
        words = ["scan", "--rules", str(rules), "-d", "setting=4", *map(str, arguments)]
        return CliRunner().invoke(main, words, input=given)

    return run
