"""A command line taken apart into its arguments, each with where it stands, as a POSIX shell or Windows splits it.

The pieces between arguments, and arguments that do not change, keep their very look.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_POSIX_ARGUMENT: Final = re.compile(r"(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")+", re.DOTALL)
_WINDOWS_ARGUMENT: Final = re.compile(r"(?:[^\s\"]|\"[^\"]*(?:\"|\Z))+")
_WINDOWS_SIGN: Final = re.compile(
    r"(?:^|[\s\"'=:,;(])(?:[a-z]:\\|\\\\[\w?.~]|%[a-z]+%\\|~user\\)|(?:^|\s)(?:HK\w{2,20}|[A-Z][A-Z0-9-]{1,14})\\\w"
    r"|/[a-z]{1,8}:[A-Z][A-Z0-9-]{1,14}\\\w|~host\\",
    re.IGNORECASE,
)
"""What only a command line of Windows has: a drive's path, a share, a registry key, ``DOMAIN\\user``."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A line, its arguments, and where in the line each of them stands."""

    line: str
    arguments: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    is_windows: bool = False
    is_balanced: bool = True
    """Whether the quotes in it have their ends."""

    def rejoined(self, arguments: Sequence[str]) -> str:
        """The line with other arguments, as many as it has; what is the same stays as it was written."""
        if not self.is_balanced:
            return self.line if tuple(arguments) == self.arguments else shlex.join(arguments)
        pieces, position = [], 0
        for (start, end), before, after in zip(self.spans, self.arguments, arguments, strict=True):
            pieces += [self.line[position:start], self.line[start:end] if before == after else self._quoted(after)]
            position = end
        return "".join([*pieces, self.line[position:]])

    def _quoted(self, argument: str) -> str:
        if not self.is_windows:
            return shlex.quote(argument)
        bare = argument.replace('"', "")
        return f'"{bare}"' if re.search(r"\s", bare) or not bare else bare


def split_command_line(line: str) -> CommandLine:
    """The line's arguments. A line that no shell would take is split at its blanks."""
    if _WINDOWS_SIGN.search(line) and not _is_rejoined(line):
        return _windows(line)
    matches = list(_POSIX_ARGUMENT.finditer(line))
    try:
        arguments = tuple(shlex.split(line))
    except ValueError:
        return _blanks(line)
    if len(arguments) != len(matches):
        return _blanks(line)
    return CommandLine(line, arguments, tuple(match.span() for match in matches))


def _is_rejoined(line: str) -> bool:
    """Whether the line was put together from arguments, as ``shlex.join`` does; then it is taken apart the same way."""
    try:
        return shlex.join(shlex.split(line)) == line
    except ValueError:
        return False


def _windows(line: str) -> CommandLine:
    matches = list(_WINDOWS_ARGUMENT.finditer(line))
    arguments = tuple(match[0].replace('"', "") for match in matches)
    return CommandLine(line, arguments, tuple(match.span() for match in matches), is_windows=True)


def _blanks(line: str) -> CommandLine:
    matches = list(re.finditer(r"\S+", line))
    spans = tuple(match.span() for match in matches)
    return CommandLine(line, tuple(match[0] for match in matches), spans, is_balanced=False)
