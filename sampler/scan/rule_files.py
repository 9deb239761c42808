"""Finding and reading rule files. A rule folder is trusted for what its rules say, not for where its links lead."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampler.errors import RulesError
from sampler.limits import RULE_FILE_MAX_BYTES, RULE_FILES_MAX_COUNT

_ENDINGS: Final = (".yar", ".yara")


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """Something wrong with one rule file; the other files' rules still run."""

    file: str
    """Relative to its rule folder, as the namespace of its rules."""
    line: int
    """From 1; 0 where it concerns the file as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule file that was found; not read yet."""

    folder: Path
    """The rule folder it belongs to, links resolved; includes may not leave it."""
    path: Path
    namespace: str
    """Its path relative to the folder, prefixed with the folder's name where several folders are given."""


class RuleFileError(Exception):
    """A rule file cannot be used; ``str()`` says why, ``line`` where (0: the file as a whole)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def find_rule_files(folders: Sequence[Path]) -> tuple[RuleFile, ...]:
    """All ``*.yar`` and ``*.yara`` files below the folders, in the order of their namespaces; linked folders are not
    entered.

    Raises:
        RulesError: a folder is missing, or there are more than ``RULE_FILES_MAX_COUNT`` files.
    """
    found: list[RuleFile] = []
    for folder, prefix in zip(folders, _prefixes(folders), strict=True):
        if not folder.is_dir():
            raise RulesError(f"{folder}: there is no such rule folder; create it or name another one")
        for path in _walk(folder.resolve()):
            found.append(RuleFile(folder.resolve(), path, prefix + printable(path.relative_to(folder.resolve()))))
            if len(found) > RULE_FILES_MAX_COUNT:
                raise RulesError(f"{folder}: more than {RULE_FILES_MAX_COUNT} rule files; give fewer folders")
    return tuple(sorted(found, key=lambda file: file.namespace))


def read_rule_file(folder: Path, path: Path) -> str:
    """The source text of one rule file.

    Raises:
        RuleFileError: it leads out of the folder, is no regular file, cannot be read, is too large, or is not text.
    """
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(folder):
        raise RuleFileError("it leads out of its rule folder")
    try:
        data = _read_regular(real)
    except OSError as error:
        raise RuleFileError(f"it cannot be read: {error.strerror}") from error
    return _text(data)


def printable(path: Path) -> str:
    """A path as text that YARA and UTF-8 can carry; bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _prefixes(folders: Sequence[Path]) -> list[str]:
    """What keeps namespaces of several folders apart: their names, numbered where two have the same."""
    if len(folders) == 1:
        return [""]
    names = [printable(Path(folder.resolve().name)) for folder in folders]
    return [
        f"{name}/" if names.index(name) == place else f"{name}~{names[: place + 1].count(name)}/"
        for place, name in enumerate(names)
    ]


def _walk(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder, followlinks=False):
        yield from (Path(place, name) for name in names if name.endswith(_ENDINGS))


def _read_regular(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RuleFileError("it is not a regular file")
        data = file.read(RULE_FILE_MAX_BYTES + 1)
    if len(data) > RULE_FILE_MAX_BYTES:
        raise RuleFileError(f"it has more than {RULE_FILE_MAX_BYTES} bytes")
    return data


def _text(data: bytes) -> str:
    if (nul := data.find(b"\0")) >= 0:
        raise RuleFileError("it has a NUL byte and is no rule file", data.count(b"\n", 0, nul) + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RuleFileError(f"byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8", line) from error
