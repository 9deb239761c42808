"""The logger of short-lived commands."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import structlog

from sampler.runtime.log import Log, configure


def test_nothing_configured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings go to standard error, never into a command's results; the rest is not wanted."""
    monkeypatch.setattr(structlog, "is_configured", lambda: False)
    Log().info("quiet")
    Log().warning("loud", number=1)
    said = capsys.readouterr()
    assert said.out == ""
    document = json.loads(said.err)
    assert (document["event"], document["level"], document["number"]) == ("loud", "warning", 1)


def test_as_configured(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that set logging up decides what is written, and sees tracebacks."""
    before = structlog.get_config()
    try:
        configure("info")
        Log().info("said")
        try:
            raise ValueError("why")
        except ValueError:
            Log().exception("failed")
    finally:
        structlog.configure(**before)
        structlog.reset_defaults()
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["event"] == "said"
    assert "ValueError: why" in second["exception"]


def test_it_is_imported_late() -> None:
    """Having a logger costs nothing; the first line does."""
    code = "import sys, sampler.runtime.log as l; l.Log(); print('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"False\n"
