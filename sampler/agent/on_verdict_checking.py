"""Whether the command about verdicts can be run as it is set, looked at once, at the agent's start."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from sampler.agent.verdict_settings import OnVerdictSection
from sampler.errors import SettingsError


def checked(settings: OnVerdictSection) -> OnVerdictSection:
    """The settings, if the agent can do what they say.

    Raises:
        SettingsError: the command is no program, or one that others can change; or the agent cannot become its user.
    """
    if not settings.command:
        return settings
    program = Path(settings.command[0])
    if not program.is_absolute() or not os.access(program, os.X_OK):
        raise SettingsError(f"on_verdict.command: {program} is no program; name one by its absolute path")
    for path in (program, program.parent):
        status = path.stat()
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
            raise SettingsError(f"on_verdict.command: {path} can be changed by others than root and the agent's user")
    if settings.user:
        _check_user(settings.user)
    return settings


def _check_user(user: str) -> None:
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise SettingsError(f"on_verdict.user: this system has no user {user!r}") from error
    if uid != os.geteuid() and os.geteuid() != 0:
        raise SettingsError(f"on_verdict.user: only an agent that runs as root can become {user}")
