"""Runs a command of the bench and measures everything it and its descendants used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RUN_SECONDS: Final = 1800.0
"""One run of one side."""
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_SAID_MAX_CHARACTERS: Final = 2000


class RunFailed(Exception):
    """A command did not do what it was started for; ``str()`` has its last words."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and which exit codes mean that it worked."""

    name: str
    arguments: tuple[str, ...]
    good_exit_codes: frozenset[int] = frozenset({0})
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run took: the command and everything it started."""

    wall_seconds: float
    user_seconds: float
    system_seconds: float
    max_rss_bytes: int
    """Of the largest process (ru_maxrss)."""
    exit_code: int
    in_time: bool
    left_behind: list[int]
    peak_pss_bytes: int
    """Sum over the tree at the moment it was largest, pages of mapped files included; 0 if it was not sampled."""
    peak_own_bytes: int
    """The same without pages of files, which the kernel takes back when it needs them."""
    samples: int
    is_rss: bool
    """PSS was refused for a process at least once, and its RSS, which counts shared pages again, stands in for it."""

    @property
    def cpu_seconds(self) -> float:
        """User and system time."""
        return self.user_seconds + self.system_seconds


def environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a side: nothing of Sampler's settings, and a home of the bench's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SAMPLER_", "XDG_"))}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", **more}


def measure(command: Command, output: Path, *, home: Path, sample_seconds: float = 0.0) -> Usage:
    """Run a command to its end, its standard output into ``output``, its complaints into ``output``.stderr.

    Args:
        command: what to run.
        output: a file; its folder exists.
        home: HOME of the command.
        sample_seconds: how often memory is looked at; 0: never, so that looking costs nothing.

    Raises:
        RunFailed: it ended with another exit code than a good one, not in time, or left processes behind.
    """
    report, complaints = output.with_suffix(".usage"), output.with_suffix(".stderr")
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(report), str(sample_seconds), str(RUN_SECONDS)]
    with output.open("wb") as out, complaints.open("wb") as error:
        launched = subprocess.run(
            [*launcher, *command.arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=error,
            env=environment(home, dict(command.environment)),
        )
    if launched.returncode:
        raise RunFailed(f"{command.name} could not be started:\n{_last_words(complaints)}")
    usage = Usage(**json.loads(report.read_text("ascii")))
    _check(command, usage, complaints)
    return usage


def _check(command: Command, usage: Usage, complaints: Path) -> None:
    said = _last_words(complaints)
    if not usage.in_time:
        raise RunFailed(f"{command.name} did not end within {RUN_SECONDS:g} s:\n{said}")
    if usage.exit_code not in command.good_exit_codes:
        raise RunFailed(f"{command.name} ended with {usage.exit_code}:\n{said}")
    if usage.left_behind:
        raise RunFailed(f"{command.name} ended and left processes running: {usage.left_behind}")


def _last_words(complaints: Path) -> str:
    return complaints.read_text("utf-8", "replace")[-_SAID_MAX_CHARACTERS:]
