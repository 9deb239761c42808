"""Analyzers that are programs: a command for each task, and what its end means."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from sampler.errors import SettingsError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.messages import NAME_MAX_CHARACTERS, TaskView, Text
from sampler.worker.analyzers.interface import AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import Owner, ProcessLimits, Run, run_limited

TASK_FILE: Final = "task.json"
SAMPLES: Final = "{samples}"
_SAMPLE: Final = "{sample}"
_PLACE: Final = re.compile(r"\{(sample|folder|task)\}")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Reading: TypeAlias = Callable[[Run], AnalyzerVerdict | AnalyzerFailure]
"""What a program's end means, when it ended by itself and within its limits."""


class PrintedVerdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a program prints: ``{"conclusion": "malicious", "score": 90, "family": "…", "note": "…"}``."""

    conclusion: Conclusion
    score: Annotated[int, Meta(ge=0, le=100)]
    family: Text | None = None
    note: Text | None = None


class CommandAnalyzer:
    """Runs a command for each task. No shell is involved: its words are there before anything is filled in.

    ``{sample}`` becomes the path of the whole object, or of its first part where the whole was not sent; a word
    ``{samples}`` the paths of all contents, a word each; ``{folder}`` the task's private folder, where the program may
    write; ``{task}`` a JSON file with the task (``TaskView``).
    """

    def __init__(self, words: Sequence[str], reading: Reading, *, name: str, limits: ProcessLimits) -> None:
        """Take a command's words.

        Raises:
            SettingsError: its program is not there.
        """
        self._words = [_program(words[0]), *words[1:]]
        self._reading = reading
        self._limits = limits
        self.name = name[:NAME_MAX_CHARACTERS]

    async def analyze(
        self, task: TaskView, folder: Path, files: Mapping[str, Path]
    ) -> AnalyzerVerdict | AnalyzerFailure:
        """Run the command and read its end.

        A task without contents has nothing to run on where the command asks for some: that is ``unknown``.
        """
        sample = _sample(task, files)
        if sample is None and any(_SAMPLE in word or word == SAMPLES for word in self._words):
            return AnalyzerVerdict(Conclusion.UNKNOWN, 0, note="no bytes were delivered, so the analyzer was not run")
        await off_loop(_write_task, folder / TASK_FILE, task)
        if self._limits.owner is not None:
            await off_loop(_hand_over, folder, self._limits.owner)
        places = {"sample": str(sample), "folder": str(folder), "task": str(folder / TASK_FILE)}
        command = list(_filled(self._words, places, files))
        return self._read(await run_limited(command, folder, _environment(folder), self._limits))

    def _read(self, run: Run) -> AnalyzerVerdict | AnalyzerFailure:
        if run.timed_out:
            return failure(f"the analyzer did not end within {self._limits.seconds:g} seconds and was killed", run)
        if len(run.stdout) > self._limits.stdout_max_bytes:
            return failure(f"the analyzer printed more than {self._limits.stdout_max_bytes} bytes and was killed", run)
        return self._reading(run)


class ExecAnalyzer(CommandAnalyzer):
    """Any program that prints its verdict as one JSON object (``PrintedVerdict``)."""

    def __init__(self, command: str, *, name: str | None = None, limits: ProcessLimits | None = None) -> None:
        """Take a command template such as ``/opt/analyze --json {sample}``.

        Raises:
            SettingsError: it is empty, its quotes do not close, or its program is not there.
        """
        words = _split(command)
        super().__init__(words, read_printed, name=name or Path(words[0]).name, limits=limits or ProcessLimits())


def read_printed(run: Run) -> AnalyzerVerdict | AnalyzerFailure:
    """The verdict that a program printed; another status than 0 is a failure whatever it printed."""
    if run.status != 0:
        return failure(f"the analyzer ended with status {run.status}", run)
    try:
        printed = decode(run.stdout, PrintedVerdict)
    except DecodeError as error:
        return failure(f"the analyzer did not print a verdict: {error}", run)
    return AnalyzerVerdict(printed.conclusion, printed.score, printed.family, printed.note)


def failure(what: str, run: Run) -> AnalyzerFailure:
    """A failure's reason with the program's last words, its line ends kept as spaces."""
    said = run.stderr_tail.decode("utf-8", "replace")
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
    room = TEXT_MAX_CHARACTERS - len(what) - len("; last words: ")
    return AnalyzerFailure(f"{what}; last words: {words[-room:]}" if words and room > 0 else what[:TEXT_MAX_CHARACTERS])


def shortened(text: str) -> str:
    """A text that fits a verdict."""
    return text if len(text) <= TEXT_MAX_CHARACTERS else text[: TEXT_MAX_CHARACTERS - 1] + "…"


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"the analyzer's command cannot be split into words: {error}: {command!r}") from error
    if not words:
        raise SettingsError("the analyzer's command is empty; give one such as: /opt/analyze {sample}")
    return words


def _program(name: str) -> str:
    program = shutil.which(name, path=_PATH)
    if program is None:
        raise SettingsError(f"{name}: there is no such program; give its absolute path and make it executable")
    return str(Path(program).absolute())


def _sample(task: TaskView, files: Mapping[str, Path]) -> Path | None:
    whole_first = sorted(task.contents, key=lambda content: content.part is not None)
    return files[whole_first[0].sha256] if whole_first else None


def _filled(words: Sequence[str], places: Mapping[str, str], files: Mapping[str, Path]) -> Iterator[str]:
    for word in words:
        if word == SAMPLES:
            yield from map(str, files.values())
        else:
            yield _PLACE.sub(lambda place: places[place[1]], word)


def _write_task(file: Path, task: TaskView) -> None:
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(encode(task))


def _hand_over(folder: Path, owner: Owner) -> None:
    for entry in (*folder.iterdir(), folder):
        os.chown(entry, owner.uid, owner.gid, follow_symlinks=False)


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": _PATH, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
