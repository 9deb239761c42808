"""The outline of a YARA source text: where its imports, includes and rules stand, and the words of each condition.

It reads just enough to cut rules out of a text and to reason about conditions; whether a text is right is for the
engine to say, which compiles whatever is cut. In YARA ``/`` begins a comment or a regular expression and never divides
(division is ``\\``), and ``{`` after ``=`` begins a hex string (YARA documentation, "Writing YARA rules").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

_WORD: Final = re.compile(
    r"""
    (?P<blank>   \s++ | //[^\n]*+ | /\*(?>.*?\*/) )
  | (?P<text>    "(?:[^"\\\n]|\\.)*+" )
  | (?P<regex>   /(?!\*)(?:[^/\\\n]|\\.)++/[is]*+ )
  | (?P<sign>    \.\. | == | != | <= | >= | << | >> )
  | (?P<name>    \$\w*+\*? | [\#@!]\w*+ | [A-Za-z_]\w*+ )
  | (?P<number>  0x[0-9A-Fa-f]+ | 0o[0-7]+ | \d+(?:\.\d+)?(?:KB|MB)? )
  | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""Nothing is tried twice, so that the time is linear: repeats are possessive, and what does not end is a fault."""
_UNENDED: Final = {'"': "a text does not end", "/": "a comment or a regular expression does not end"}
_HEX: Final = re.compile(r"\{(?:[0-9A-Fa-f?~|()\[\]\-\s]++|//[^\n]*+|/\*(?>.*?\*/))*+\}", re.DOTALL | re.ASCII)
_MODIFIERS: Final = ("private", "global")


class OutlineError(ValueError):
    """The text is not laid out like YARA rules, so nothing may be cut out of it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An ``import`` or ``include``: what it names, and where it stands, in characters."""

    what: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RuleWriting:
    """How a rule's strings were written."""

    strings: tuple[str, ...] = ()
    """In their order; nameless ones are all ``$``."""
    hex_strings: frozenset[str] = frozenset()

    def place(self, identifier: str) -> int:
        """Where a string stands among the others; behind all of them if it is not known."""
        return self.strings.index(identifier) if identifier in self.strings else len(self.strings)


@dataclass(frozen=True, slots=True)
class RuleOutline:
    """One rule: where it stands, in characters, and the words of its condition, comments left out."""

    name: str
    start: int
    end: int
    is_global: bool
    condition: tuple[str, ...]
    places: tuple[int, ...]
    """Where each word of the condition begins."""
    writing: RuleWriting

    @property
    def patterns(self) -> tuple[str, ...]:
        """What the names begin with that it refers to by ``name*``; factors of products as well."""
        return tuple(word for word, after in pairwise(self.condition) if after == "*")


@dataclass(frozen=True, slots=True)
class Outline:
    """What a source text consists of, each in the order of the text."""

    imports: tuple[Statement, ...]
    includes: tuple[Statement, ...]
    rules: tuple[RuleOutline, ...]


def outline(text: str) -> Outline:
    """Read a source text.

    Raises:
        OutlineError: it is not laid out like YARA rules; the message says at which line.
    """
    return _Reader(text).read()


@dataclass(slots=True)
class _Reader:
    text: str
    imports: list[Statement] = field(default_factory=list)
    includes: list[Statement] = field(default_factory=list)
    rules: list[RuleOutline] = field(default_factory=list)
    _place: int = 0
    _start: int = 0
    """Of the word that was taken last."""

    def read(self) -> Outline:
        while (word := self._next()) is not None:
            if word in ("import", "include"):
                self._statement(word, self._start)
            elif word == "rule" or word in _MODIFIERS:
                self._rule(word, self._start)
            else:
                raise self._error(f"{word!r} begins neither a rule nor an import")
        return Outline(tuple(self.imports), tuple(self.includes), tuple(self.rules))

    def _statement(self, kind: str, start: int) -> None:
        what = self._must()
        if not what.startswith('"'):
            raise self._error(f"{kind} needs a text")
        found = self.imports if kind == "import" else self.includes
        found.append(Statement(what[1:-1], start, self._place))

    def _rule(self, word: str, start: int) -> None:
        modifiers = set()
        while word != "rule":
            if word not in _MODIFIERS:
                raise self._error(f"{word!r} is no modifier of a rule")
            modifiers.add(word)
            word = self._must()
        name = self._must()
        while self._must() != "{":  # the tags
            pass
        writing = self._writing()
        words = tuple(self._condition())
        condition, places = tuple(word for word, _ in words), tuple(place for _, place in words)
        self.rules.append(RuleOutline(name, start, self._place, "global" in modifiers, condition, places, writing))

    def _writing(self) -> RuleWriting:
        """Everything up to the condition."""
        strings: list[str] = []
        hex_strings: set[str] = set()
        before = word = "{"
        while (before, word) != ("condition", ":"):
            string = before if word == "=" and before[0] == "$" else ""
            before, word = word, self._must(hex_allowed=word == "=")
            if string:
                strings.append(string)
                hex_strings.update({string} if word[0] == "{" else ())
            if word == "}":
                raise self._error("the rule ends without a condition")
        return RuleWriting(tuple(strings), frozenset(hex_strings))

    def _condition(self) -> Iterator[tuple[str, int]]:
        while (word := self._must()) != "}":
            yield word, self._start

    def _must(self, *, hex_allowed: bool = False) -> str:
        word = self._next(hex_allowed=hex_allowed)
        if word is None:
            raise self._error("the text ends inside a statement")
        return word

    def _next(self, *, hex_allowed: bool = False) -> str | None:
        """The next word, comments and white space skipped; ``None`` at the end."""
        while (found := _WORD.match(self.text, self._place)) is not None:
            if found.lastgroup == "blank":
                self._place = found.end()
                continue
            if found[0] in _UNENDED:
                raise self._error(_UNENDED[found[0]], found.start())
            if hex_allowed and found[0] == "{":
                found = _HEX.match(self.text, self._place)
                if found is None:
                    raise self._error("a hex string does not end", self._place)
            self._start, self._place = found.span()
            return found[0]
        return None

    def _error(self, what: str, place: int | None = None) -> OutlineError:
        line = self.text.count("\n", 0, self._start if place is None else place) + 1
        return OutlineError(f"line {line}: {what}")
