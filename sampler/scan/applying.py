"""Which objects a rule can match at all, told from its condition by their first bytes. Pure.

A condition that is a conjunction with ``uint16(0) == 0x5A4D``, with a fact of the ``pe`` module, or with a rule that
needs the same, is false for every object that does not begin with ``MZ``; such a rule need not run on the others, and
its strings need not be looked for. What cannot be proven applies to everything. The proof uses three facts of YARA:
reading beyond the end is undefined, a comparison with an undefined value is undefined, and ``and`` takes that for false
(YARA documentation, "Writing YARA rules", "Undefined values").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from sampler.scan.source import RuleOutline

Words: TypeAlias = Sequence[str]
Prefixes: TypeAlias = frozenset[bytes] | None
"""What an object has to begin with, one of these; ``None``: anything."""


class Start(StrEnum):
    """What an object begins with, as far as it decides which rules run."""

    MZ = "mz"
    ELF = "elf"
    CONTAINER = "container"
    """ZIP, RAR, OLE, PDF and RTF: many bytes, few rules."""
    OTHER = "other"


_MAGICS: Final = {
    Start.MZ: (b"MZ",),
    Start.ELF: (b"\x7fELF",),
    Start.CONTAINER: (b"PK", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF", b"{\\rt"),
}
HEAD_BYTES: Final = 4
"""What tells starts apart."""

_READERS: Final = {
    "uint8": (1, "little"),
    "uint16": (2, "little"),
    "uint16be": (2, "big"),
    "uint32": (4, "little"),
    "uint32be": (4, "big"),
}
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,20}")
_DEPTH_MAX: Final = 64
"""Of parentheses and operators inside one another; deeper ones prove nothing."""

MODULE_FACTS: Final[Mapping[str, tuple[Start, frozenset[str]]]] = {
    "pe": (
        Start.MZ,
        frozenset(
            {
                "characteristics", "checksum", "entry_point", "image_base", "imphash", "is_32bit", "is_64bit", "is_dll",
                "machine", "number_of_exports", "number_of_imports", "number_of_resources", "number_of_sections",
                "number_of_signatures", "pdb_path", "resources", "sections", "signatures", "size_of_image", "subsystem",
                "timestamp", "version_info",
            }
        ),
    ),
    "elf": (
        Start.ELF,
        frozenset(
            {
                "dynamic", "dynsym", "dynsym_entries", "entry_point", "machine", "number_of_sections",
                "number_of_segments", "sections", "segments", "symtab", "symtab_entries", "type",
            }
        ),
    ),
}  # fmt: skip
"""Values of modules that are undefined in every engine unless the object begins as the module's format does.

``imports``, ``exports`` and ``rich_signature`` of ``pe`` are not among them: yara-x has 0 for them, which equals 0.
"""
_BINDING: Final = frozenset({"of", ":"})
"""Words of terms that can be true though a value in them is undefined: undefined ``of`` strings are all of them, and
before a ``:`` a value only gets a name (``with``, in yara-x).
"""
_FLAGS: Final = {("pe", ".", "is_pe"): Start.MZ, ("dotnet", ".", "is_dotnet"): Start.MZ}


def start_of(head: bytes) -> Start:
    """What an object that begins with ``head`` (at least ``HEAD_BYTES``, or all it has) counts as."""
    return next((start for start, magics in _MAGICS.items() if head.startswith(magics)), Start.OTHER)


def applies(prefixes: Prefixes, start: Start) -> bool:
    """Whether an object of this start could begin with one of ``prefixes``."""
    return prefixes is None or any(start in _starts_of(prefix) for prefix in prefixes)


def needs_of(rules: Iterable[RuleOutline]) -> dict[str, Prefixes]:
    """What each rule of one namespace needs an object to begin with, by its own condition."""
    needs: dict[str, Prefixes] = {}
    for rule in rules:  # a rule can only refer to rules before it
        needs[rule.name] = _needed(rule.condition, needs)
    return needs


def _starts_of(prefix: bytes) -> Iterator[Start]:
    """Every start that an object beginning with ``prefix`` can have."""
    for start, magics in _MAGICS.items():
        if prefix.startswith(magics):
            yield start
            return
        if any(magic.startswith(prefix) for magic in magics):
            yield start
    yield Start.OTHER


def _needed(words: Words, known: Mapping[str, Prefixes], depth: int = 0) -> Prefixes:
    """What a condition needs: of alternatives any, of conjuncts the first that needs something."""
    if depth == _DEPTH_MAX:
        return None
    if words and words[0] == "(" and _closing(words) == len(words) - 1:
        return _needed(words[1:-1], known, depth + 1)
    alternatives = _split(words, "or")
    if len(alternatives) > 1:
        needs = [_needed(alternative, known, depth + 1) for alternative in alternatives]
        return None if None in needs else frozenset().union(*(need for need in needs if need is not None))
    conjuncts = _split(words, "and")
    if len(conjuncts) > 1:
        return next((need for part in conjuncts if (need := _needed(part, known, depth + 1)) is not None), None)
    return _needed_by_term(words, known)


def _needed_by_term(words: Words, known: Mapping[str, Prefixes]) -> Prefixes:
    if len(words) == 1:
        return known.get(words[0])
    if tuple(words) in _FLAGS:
        return frozenset(_MAGICS[_FLAGS[words[0], words[1], words[2]]])
    if len(words) >= 3 and words[1] == "." and words[0] in MODULE_FACTS and _BINDING.isdisjoint(words):
        start, facts = MODULE_FACTS[words[0]]
        return frozenset(_MAGICS[start]) if words[2] in facts else None
    return _needed_by_reading(words)


def _needed_by_reading(words: Words) -> Prefixes:
    """``uint16(0) == 0x5A4D`` and the like, either way round."""
    if len(words) == 6 and words[1] == "==":
        words = (*words[2:], "==", words[0])
    if len(words) != 6 or words[0] not in _READERS or (words[1], words[3], words[4]) != ("(", ")", "=="):
        return None
    offset, value = _number(words[2]), _number(words[5])
    if offset != 0 or value is None:
        return None
    size, order = _READERS[words[0]]
    if value.bit_length() > 8 * size:
        return frozenset()  # it never has this value
    return frozenset({value.to_bytes(size, "big" if order == "big" else "little")})


def _number(word: str) -> int | None:
    """What a word stands for as a number; zeros in front do not make it octal."""
    if not _NUMBER.fullmatch(word):
        return None
    return int(word, 16) if word.startswith("0x") else int(word)


def _closing(words: Words) -> int:
    """Where the parenthesis that the words begin with closes."""
    depth = 0
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return place
    return -1


def _split(words: Words, operator: str) -> list[Words]:
    """The operands of an operator outside of all parentheses and brackets."""
    parts: list[Words] = []
    depth = begin = 0
    for place, word in enumerate(words):
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if depth == 0 and word == operator:
            parts.append(words[begin:place])
            begin = place + 1
    return [*parts, words[begin:]]
