"""Commands that cannot be run end the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampler.agent.on_verdict_checking import checked
from sampler.agent.verdict_settings import OnVerdictSection
from sampler.errors import SettingsError


def test_settings_that_cannot_be_run(tmp_path: Path) -> None:
    """A program that is none, that others can change, or a user whom nobody can become, ends the start."""
    assert checked(OnVerdictSection()) == OnVerdictSection()
    with pytest.raises(SettingsError, match="no program"):
        checked(OnVerdictSection(["true"]))
    program = tmp_path / "command"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(SettingsError, match="no program"):
        checked(OnVerdictSection([str(tmp_path / "none")]))
    program.chmod(0o775)
    with pytest.raises(SettingsError, match="can be changed"):
        checked(OnVerdictSection([str(program)]))
    program.chmod(0o755)
    assert checked(OnVerdictSection([str(program)])).command == [str(program)]
    tmp_path.chmod(0o777)
    with pytest.raises(SettingsError, match="can be changed"):
        checked(OnVerdictSection([str(program)]))
    tmp_path.chmod(0o700)
    with pytest.raises(SettingsError, match="no user"):
        checked(OnVerdictSection([str(program)], user="nobody-of-that-name"))
