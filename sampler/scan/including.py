"""YARA's ``include``, put into effect before an engine sees the text, and confined to the root of the including file.

So every engine sees the same text, and an engine reads no file at all. Where a line of the result came from is kept,
so that a fault is told where it was written.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sampler.limits import RULE_FILE_MAX_BYTES
from sampler.scan.rule_files import RuleFile, RuleFileError, printable
from sampler.scan.source import OutlineError, outline

_MAY_INCLUDE: Final = re.compile(r'include(?<![^\s}"/]include)\s*+(?:"[^"\n]+"|/[/*])')
"""Reading the outline costs a thousand times more than this look."""
_DEPTH_MAX: Final = 16
_INCLUDES_MAX_COUNT: Final = 1000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of the result that come from one place."""

    first: int
    """Of the result, from 1."""
    file: str | None
    """The included file; ``None``: the rule file itself."""
    line: int
    """In that file, of ``first``."""
    included_at: int
    """The line of the rule file that brought it in; 0 for its own lines."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A source text in which no ``include`` is left."""

    text: str
    stretches: Sequence[Stretch]

    def located(self, error: RuleFileError) -> RuleFileError:
        """The same fault, at the line of the rule file that it was written in, or that included it."""
        if error.line == 0 or not self.stretches:
            return error
        place = bisect_right(self.stretches, error.line, key=lambda stretch: stretch.first) - 1
        stretch = self.stretches[max(place, 0)]
        line = stretch.line + error.line - stretch.first
        if stretch.file is None:
            return RuleFileError(str(error), line)
        return RuleFileError(f"in the included {stretch.file}, line {line}: {error}", stretch.included_at)


def expand(file: RuleFile) -> Expanded:
    """Read a rule file and everything that it includes.

    An include is looked for beside the including file first, then from the root down.

    Raises:
        RuleFileError: the file or one that it includes cannot be used; nothing outside its root is ever read.
    """
    text = file.read()
    if not _MAY_INCLUDE.search(text):
        return Expanded(text, ())
    work = _Expansion(file)
    work.add(text, file.name, depth=0)
    return Expanded("".join(work.parts), tuple(work.stretches))


class _Expansion:
    def __init__(self, file: RuleFile) -> None:
        self._file = file
        self._included = 0
        self._length = 0
        self._line = 1
        self.parts: list[str] = []
        self.stretches: list[Stretch] = []

    def add(self, text: str, name: str, *, depth: int, included_at: int = 0) -> None:
        """Append a text and, where it includes others, theirs in place of the statement."""
        place, line = 0, 1
        try:
            statements = outline(text).includes if _MAY_INCLUDE.search(text) else ()
        except OutlineError:
            statements = ()  # the engine will say what is wrong with it
        for statement in statements:
            line += self._append(text[place : statement.start], name, line, depth, included_at)
            self._include(statement.what, name, depth, included_at or line)
            line += text.count("\n", statement.start, statement.end)
            place = statement.end
        self._append(text[place:], name, line, depth, included_at)

    def _append(self, text: str, name: str, line: int, depth: int, included_at: int) -> int:
        """Append lines of one file; how many line ends they have."""
        if not text:
            return 0
        self._length += len(text)
        if self._length > RULE_FILE_MAX_BYTES:
            raise RuleFileError(f"with what it includes it has more than {RULE_FILE_MAX_BYTES} characters")
        self.stretches.append(Stretch(self._line, printable(name) if depth else None, line, included_at))
        self.parts.append(text)
        ends = text.count("\n")
        self._line += ends
        return ends

    def _include(self, wanted: str, including: str, depth: int, line: int) -> None:
        self._included += 1
        if depth == _DEPTH_MAX or self._included > _INCLUDES_MAX_COUNT:
            raise RuleFileError(f'include "{wanted}": files include one another in a circle, or too many', line)
        name, text = self._found(wanted, including, line)
        self._end_line()
        self.add(text, name, depth=depth + 1, included_at=line)
        self._end_line()

    def _end_line(self) -> None:
        """So that no line belongs to two files."""
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
            self._line += 1

    def _found(self, wanted: str, including: str, line: int) -> tuple[str, str]:
        refusal = ""
        for start in (posixpath.dirname(including), ""):
            name = posixpath.join(start, wanted)
            try:
                return name, self._file.root.read(name)
            except RuleFileError as error:
                refusal = str(error)
        raise RuleFileError(f'include "{wanted}" is refused: {refusal}', line)
