"""What a redaction did to the cases of the corpus: which marked pieces survived it, and what it took too much."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.redact.corpus import Case, FieldKind, Label, Mark

Value = str | tuple[str, ...] | None
_STAND_INS: Final = re.compile(r"~(?:user|uid|host|secret|mail|address|card|id)|\{\{[A-Z0-9_-]+\}\}")
"""What redactions put in the place of what they take: ours, and scrubadub's."""
_PIECE_MIN_CHARACTERS: Final = 4
_WHOLE: Final = frozenset({Label.USER, Label.HOST, Label.MAIL})
"""Labels of which half is not yet a leak: half a name is often a word."""


@dataclass(slots=True)
class Score:
    """Counts over some cases. Each marked piece counts for recall, each harmless case for what stays untouched."""

    marked: Counter[Label] = field(default_factory=Counter)
    caught: Counter[Label] = field(default_factory=Counter)
    harmless: int = 0
    untouched: int = 0
    pieces: int = 0
    """Pieces beside marks that must be left."""
    left: int = 0

    def recall(self, label: Label) -> float:
        """The share of the marked pieces of a class that did not survive; 1 where there are none."""
        return self.caught[label] / self.marked[label] if self.marked[label] else 1.0

    @property
    def untouched_rate(self) -> float:
        """The share of harmless cases that stayed as they were, to the letter."""
        return self.untouched / self.harmless if self.harmless else 1.0

    @property
    def left_rate(self) -> float:
        """The share of pieces beside marked ones that were left."""
        return self.left / self.pieces if self.pieces else 1.0

    def add(self, case: Case, outcome: Value) -> None:
        """Count one case and what became of it."""
        if not case.marks:
            self.harmless += 1
            self.untouched += is_untouched(case, outcome)
            return
        gone = survivors(case, outcome)
        self.marked.update(mark.label for mark in case.marks)
        self.caught.update(mark.label for mark in case.marks if mark not in gone)
        self.pieces += len(case.kept)
        self.left += len(case.kept) - len(missing(case, outcome))


def scored(cases: Iterable[tuple[Case, Value]]) -> Score:
    """The counts over all of them."""
    score = Score()
    for case, outcome in cases:
        score.add(case, outcome)
    return score


def is_untouched(case: Case, outcome: Value) -> bool:
    """Whether nothing was changed; of a command line, nothing but its quoting."""
    if outcome == case.value:
        return True
    return case.kind is FieldKind.COMMAND_LINE and _split(outcome) == _split(case.value)


def survivors(case: Case, outcome: Value) -> tuple[Mark, ...]:
    """The marked pieces that can still be read, in whole, or half of a secret or a number."""
    said, beside = _folded(_STAND_INS.sub("\n", _joined(outcome))), _folded(case.beside)
    return tuple(
        mark for mark in case.marks if any(said.count(piece) > beside.count(piece) for piece in _telling(mark))
    )


def missing(case: Case, outcome: Value) -> tuple[str, ...]:
    """The pieces beside marked ones that should have been left and are not."""
    said = _joined(outcome)
    return tuple(piece for piece in case.kept if piece not in said)


def _telling(mark: Mark) -> list[str]:
    """What of a marked piece may not be read: the whole; of secrets and numbers either half, if it is long enough."""
    text, middle = _folded(mark.text), (len(mark.text) + 1) // 2
    if mark.label in _WHOLE or middle < _PIECE_MIN_CHARACTERS:
        return [text]
    return [text[:middle], text[-middle:]]


def _joined(outcome: Value) -> str:
    if outcome is None:
        return ""
    return outcome if isinstance(outcome, str) else "\n".join(outcome)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _split(line: Value) -> list[str] | Value:
    try:
        return shlex.split(line) if isinstance(line, str) else line
    except ValueError:
        return line
