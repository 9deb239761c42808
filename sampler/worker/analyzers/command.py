"""An analyzer that is any program: it gets file names, and prints its verdict as one JSON object."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from sampler.errors import SettingsError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.messages import TaskView, Text
from sampler.worker.analyzers.interface import AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import ProcessLimits, Run, run_limited

TASK_FILE: Final = "task.json"
_PLACE: Final = re.compile(r"\{(sample|folder|task)\}")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAME_MAX_CHARACTERS: Final = 128


class PrintedVerdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the program prints: ``{"conclusion": "malicious", "score": 90, "family": "…", "note": "…"}``."""

    conclusion: Conclusion
    score: Annotated[int, Meta(ge=0, le=100)]
    family: Text | None = None
    note: Text | None = None


class ExecAnalyzer:
    """Runs a command for each task. No shell is involved: the template is split once, before anything is filled in.

    ``{sample}`` becomes the path of the whole object, or of its first part where the whole was not sent; ``{folder}``
    the task's private folder, where the program may write; ``{task}`` a JSON file with the task (``TaskView``).
    """

    def __init__(self, command: str, *, name: str | None = None, limits: ProcessLimits | None = None) -> None:
        """Take a command template such as ``/opt/analyze --json {sample}``.

        Raises:
            SettingsError: it is empty, its quotes do not close, or its program is not there.
        """
        self._template = _split(command)
        self._limits = limits or ProcessLimits()
        self.name = (name or Path(self._template[0]).name)[:_NAME_MAX_CHARACTERS]

    async def analyze(
        self, task: TaskView, folder: Path, files: Mapping[str, Path]
    ) -> AnalyzerVerdict | AnalyzerFailure:
        """Run the command; what it prints is the verdict.

        A task without contents has nothing to run on where the command asks for ``{sample}``: that is ``unknown``.
        """
        sample = _sample(task, files)
        if sample is None and any("{sample}" in word for word in self._template):
            return AnalyzerVerdict(Conclusion.UNKNOWN, 0, note="no bytes were delivered, so the analyzer was not run")
        await off_loop(_write_task, folder / TASK_FILE, task)
        places = {"sample": str(sample), "folder": str(folder), "task": str(folder / TASK_FILE)}
        command = [_PLACE.sub(lambda place: places[place[1]], word) for word in self._template]
        return _conclude(await run_limited(command, folder, _environment(folder), self._limits), self._limits)


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"the analyzer's command cannot be split into words: {error}: {command!r}") from error
    if not words:
        raise SettingsError("the analyzer's command is empty; give one such as: /opt/analyze {sample}")
    program = shutil.which(words[0], path=_PATH)
    if program is None:
        raise SettingsError(f"{words[0]}: there is no such program; give its absolute path and make it executable")
    return [str(Path(program).absolute()), *words[1:]]


def _sample(task: TaskView, files: Mapping[str, Path]) -> Path | None:
    whole_first = sorted(task.contents, key=lambda content: content.part is not None)
    return files[whole_first[0].sha256] if whole_first else None


def _write_task(file: Path, task: TaskView) -> None:
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(encode(task))


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": _PATH, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}


def _conclude(run: Run, limits: ProcessLimits) -> AnalyzerVerdict | AnalyzerFailure:
    if run.timed_out:
        return _failure(f"the analyzer did not end within {limits.seconds:g} seconds and was killed", run)
    if len(run.stdout) > limits.stdout_max_bytes:
        return _failure(f"the analyzer printed more than {limits.stdout_max_bytes} bytes and was killed", run)
    if run.status != 0:
        return _failure(f"the analyzer ended with status {run.status}", run)
    try:
        printed = decode(run.stdout, PrintedVerdict)
    except DecodeError as error:
        return _failure(f"the analyzer did not print a verdict: {error}", run)
    return AnalyzerVerdict(printed.conclusion, printed.score, printed.family, printed.note)


def _failure(what: str, run: Run) -> AnalyzerFailure:
    """A failure's reason with the program's last words, its line ends kept as spaces."""
    said = run.stderr_tail.decode("utf-8", "replace")
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
    room = TEXT_MAX_CHARACTERS - len(what) - len("; last words: ")
    return AnalyzerFailure(f"{what}; last words: {words[-room:]}" if words and room > 0 else what[:TEXT_MAX_CHARACTERS])
