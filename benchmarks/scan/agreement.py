"""Whether two sides found the same: the comparison that makes a comparison of speed mean anything.

A rule that sees an external variable (``filename``, ``filetype`` …) gets the values of the file at hand from Sampler,
and one fixed value for all files from the ``yara`` program. Rules of files that use no external must agree with the
program's own output; the others must agree with yara-python, run here, not timed, with each file's values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

_SHOWN_MAX_COUNT: Final = 10


class Find(NamedTuple):
    """One rule that matched one file."""

    ruleset: str
    """The rule file, relative to the rule folder: the namespace."""
    rule: str
    path: str


Finds: TypeAlias = frozenset[Find]


class Disagreement(Exception):
    """The sides did not find the same; ``str()`` names the first differences."""


@dataclass(frozen=True, slots=True)
class Line:
    """What Sampler said of one file."""

    path: str
    sha256: str
    mime_type: str
    rules: tuple[tuple[str, str], ...]
    """Rule file and name of each rule that matched."""
    error: str


def program_finds(output: str) -> Finds:
    """What the ``yara`` program printed: ``file:rule path`` a line."""
    return frozenset(_program_find(line) for line in output.splitlines())


def our_finds(lines: Iterable[Line]) -> Finds:
    """What Sampler found."""
    return frozenset(Find(*rule, line.path) for line in lines for rule in line.rules)


def expected(program: Finds, seeing: frozenset[str], reference: Finds) -> Finds:
    """What Sampler must have found.

    Args:
        program: what the ``yara`` program found.
        seeing: the rule files that use externals; their finds are taken from ``reference``.
        reference: what they find when they are given each file's values.
    """
    return frozenset(find for find in program if find.ruleset not in seeing) | reference


def check_finds(ours: Finds, wanted: Finds) -> None:
    """Raises: Disagreement, naming what one side has and the other has not."""
    if ours != wanted:
        raise Disagreement("\n".join((*_shown("only Sampler", ours - wanted), *_shown("only yara", wanted - ours))))


def check_whole(lines: Iterable[Line], hashes: Mapping[str, str]) -> None:
    """Every file was scanned once, without an error, with its right SHA-256 and with a type.

    Raises:
        Disagreement: it names the files of which that is not so.
    """
    seen = list(lines)
    wrong = [f"{line.path}: {why}" for line in seen if (why := _what_is_wrong(line, hashes.get(line.path)))]
    paths = {line.path for line in seen}
    wrong += [f"{path}: nothing was said of it" for path in sorted(hashes.keys() - paths)]
    if len(seen) != len(paths):
        wrong.append(f"{len(seen) - len(paths)} files were reported more than once")
    if wrong:
        raise Disagreement("\n".join((f"{len(wrong)} files:", *wrong[:_SHOWN_MAX_COUNT])))


def reference_finds(
    lines: Iterable[Line],
    externals: Callable[[Line], Mapping[str, str]],
    match: Callable[[str, Mapping[str, str]], Iterable[tuple[str, str]]],
) -> Finds:
    """What rules find that are given each file's externals.

    Args:
        lines: one for each file.
        externals: the values for a file.
        match: rule file and name of the rules that match a path, given its externals.
    """
    return frozenset(Find(*rule, line.path) for line in lines for rule in match(line.path, externals(line)))


def _program_find(line: str) -> Find:
    name, _, path = line.partition(" ")
    ruleset, _, rule = name.rpartition(":")
    return Find(ruleset, rule, path)


def _what_is_wrong(line: Line, sha256: str | None) -> str:
    if line.error:
        return line.error
    if sha256 is None:
        return "it is not in the corpus"
    if line.sha256 != sha256:
        return f"its SHA-256 is said to be {line.sha256 or 'unknown'} and is {sha256}"
    return "" if line.mime_type else "its type is not told"


def _shown(who: str, finds: Finds) -> list[str]:
    if not finds:
        return []
    first = [f"    {find.ruleset}:{find.rule} {find.path}" for find in sorted(finds)[:_SHOWN_MAX_COUNT]]
    return [f"{who} has {len(finds)} finds:", *first]
